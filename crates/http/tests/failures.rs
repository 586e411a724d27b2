//! What clients see when something beneath the shell fails: ports that panic, never return, or say that they can't.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::header::HeaderMap;
use actix_web::rt::spawn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use footfall_domain::answers::{
    DomainCounts, EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{Event, EventBatch, EventId};
use footfall_domain::membership::{Joined, Membership};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::validate::Rules;
use footfall_domain::windows::{Due, MetricFilter, UserMetric, WindowTotals};
use footfall_http::{Api, Description, Exposition, HttpLimits, Origins, RequestScope, configure};
use footfall_memory::{CACHE_BYTES_DEFAULT, InProcessCache};
use footfall_ports::{
    Analytics, Clock, DependencyState, Domains, EventIds, EventLog, Found, Health, MetricPosition, Outcome,
    SegmentCounts, Segments, Snapshot, SnapshotStore, StoreError, UserMetrics, Version,
};
use footfall_services::live::{Live, LiveLimits};
use footfall_services::{Answers, Ingest, Limits, Memberships, SegmentSnapshots};
use serde_json::{Value, json};

const CLICK: &str = r#"{"user_id":"u","event_type":"click"}"#;
const RANGE: &str = "from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z";
/// What no client may ever be told.
const SECRET: &str = "postgres://footfall:hunter2@10.0.0.7";

/// How the ports behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Behaviour {
    Works,
    Panics,
    PanicsWithText,
    NeverReturns,
    Unavailable(Duration),
    Full,
    Fails,
    /// Says nothing of the events that it was given.
    KeepsSilent,
}

/// All ports in one, misbehaving until it is cured.
struct Ports {
    behaviour: Behaviour,
    cured: AtomicBool,
    dependencies: Vec<DependencyState>,
}

impl Ports {
    async fn answer<T>(&self, works: T) -> Result<T, StoreError> {
        if self.cured.load(Ordering::Relaxed) {
            return Ok(works);
        }
        match self.behaviour {
            Behaviour::Works | Behaviour::KeepsSilent => Ok(works),
            Behaviour::Panics => panic!("a defect"),
            Behaviour::PanicsWithText => panic!("a defect near {SECRET}"),
            Behaviour::NeverReturns => std::future::pending().await,
            Behaviour::Unavailable(retry_after) => {
                Err(StoreError::Unavailable { retry_after, source: Some(SECRET.into()) })
            }
            Behaviour::Full => Err(StoreError::Full { retry_after: Duration::from_secs(7) }),
            Behaviour::Fails => Err(StoreError::Failed(SECRET.into())),
        }
    }
}

#[async_trait]
impl EventLog for Ports {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        let outcomes = self.answer(vec![Outcome::Stored; batch.len()]).await?;
        let is_silent = self.behaviour == Behaviour::KeepsSilent;
        Ok(if is_silent { Vec::new() } else { outcomes })
    }

    async fn event(&self, _: EventId) -> Result<Option<Event>, StoreError> {
        self.answer(None).await
    }

    async fn events(&self, _: EventFilter, _: Slice) -> Result<Vec<Event>, StoreError> {
        self.answer(Vec::new()).await
    }

    async fn erase_user(&self, _: String) -> Result<u64, StoreError> {
        self.answer(0).await
    }
}

#[async_trait]
impl Analytics for Ports {
    async fn page(&self, _: String, _: TimeRange) -> Result<PageCounts, StoreError> {
        self.answer(PageCounts::default()).await
    }

    async fn top_pages(&self, _: TimeRange, _: PageOrder, _: usize) -> Result<Vec<RankedPage>, StoreError> {
        self.answer(Vec::new()).await
    }

    async fn summary(&self, _: TimeRange) -> Result<Summary, StoreError> {
        self.answer(Summary::default()).await
    }

    async fn series(
        &self,
        _: Metric,
        _: SeriesFilter,
        ranges: Vec<TimeRange>,
    ) -> Result<Vec<u64>, StoreError> {
        self.answer(vec![0; ranges.len()]).await
    }

    async fn version(&self, _: TimeRange) -> Result<Version, StoreError> {
        self.answer(Version { store: 0, removals: 0, events: 0 }).await
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        self.answer(Vec::new()).await
    }
}

#[async_trait]
impl Domains for Ports {
    async fn domain(&self, _: String) -> Result<DomainCounts, StoreError> {
        self.answer(DomainCounts::default()).await
    }
}

#[async_trait]
impl UserMetrics for Ports {
    async fn calculate_metrics(&self, _: Due, _: Timestamp) -> Result<Vec<WindowTotals>, StoreError> {
        self.answer(Vec::new()).await
    }

    async fn user_metrics(
        &self,
        _: MetricFilter,
        _: Option<MetricPosition>,
        _: usize,
    ) -> Result<Vec<UserMetric>, StoreError> {
        self.answer(Vec::new()).await
    }
}

#[async_trait]
impl Segments for Ports {
    async fn join(&self, memberships: Vec<Membership>) -> Result<Vec<Joined>, StoreError> {
        self.answer(vec![Joined::Created; memberships.len()]).await
    }

    async fn segment_counts(&self, now: Timestamp) -> Result<SegmentCounts, StoreError> {
        self.answer(SegmentCounts { taken_at: now, counts: Vec::new() }).await
    }

    async fn segment_count(&self, _: String, _: Timestamp) -> Result<u64, StoreError> {
        self.answer(0).await
    }

    async fn forget_ended(&self, _: Timestamp) -> Result<u64, StoreError> {
        self.answer(0).await
    }
}

#[async_trait]
impl SnapshotStore for Ports {
    async fn snapshot(&self, _: &str, _: Option<Timestamp>) -> Result<Found, StoreError> {
        self.answer(Found::Nothing).await
    }

    async fn put_snapshot(&self, _: &str, _: Snapshot) -> Result<(), StoreError> {
        self.answer(()).await
    }
}

#[async_trait]
impl Health for Ports {
    async fn check(&self) -> Vec<DependencyState> {
        self.dependencies.clone()
    }
}

/// 2025-05-26T14:00:00Z, for ever.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_clamped(1_748_268_000_000_000)
    }
}

struct OneId;

impl EventIds for OneId {
    fn next(&self, _: Timestamp) -> EventId {
        EventId::from_bytes([7; 16])
    }
}

/// Nothing is measured.
struct Nothing;

impl Exposition for Nothing {
    fn text(&self, _: &Api) -> String {
        String::new()
    }
}

/// The shell over misbehaving ports, on a port of its own, for as long as the test's runtime lives.
struct Shell {
    url: String,
    ports: Arc<Ports>,
    client: awc::Client,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Shell {
    fn start(behaviour: Behaviour) -> Self {
        Self::with_dependencies(behaviour, Vec::new())
    }

    fn with_dependencies(behaviour: Behaviour, dependencies: Vec<DependencyState>) -> Self {
        let ports = Arc::new(Ports { behaviour, cured: AtomicBool::new(false), dependencies });
        let (clock, limits) = (Arc::new(StoppedClock), Limits { batch_events: 10 });
        let timeout = Duration::from_millis(400);
        let live = Live::new(None, clock.clone(), LiveLimits { listeners: 1, buffer_bytes: 1 << 16 });
        let api = Data::new(Api {
            ingest: Ingest::new(
                ports.clone(),
                live.clone(),
                clock.clone(),
                Arc::new(OneId),
                Rules::default(),
                limits,
                None,
            ),
            log: ports.clone(),
            analytics: ports.clone(),
            answers: Answers::new(
                ports.clone(),
                Arc::new(InProcessCache::new(CACHE_BYTES_DEFAULT, clock.clone())),
                clock.clone(),
                Duration::ZERO,
            ),
            domains: ports.clone(),
            catch_all_threshold: 1_000,
            metrics: ports.clone(),
            memberships: Memberships::new(ports.clone(), clock.clone(), limits),
            segments: ports.clone(),
            snapshots: SegmentSnapshots::new(ports.clone(), ports.clone(), clock.clone()),
            live,
            keys: None,
            origins: Origins::default(),
            rate: None,
            health: ports.clone(),
            requests: Arc::default(),
            description: Description::new().unwrap(),
            exposition: Arc::new(Nothing),
            clock,
            limits: HttpLimits { body_bytes: 1 << 20, request_timeout: timeout },
        });
        let scope = RequestScope::new(timeout, 0xF00D);
        let app = move || App::new().wrap(scope.clone()).configure(|routes| configure(routes, api.clone()));
        let server =
            HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", server.addrs()[0]);
        spawn(server.run());
        Self { url, ports, client: awc::Client::default() }
    }

    async fn ask(&self, method: &str, target: &str, body: &'static str) -> Answer {
        let method = method.parse().expect("a method");
        let request = self
            .client
            .request(method, format!("{}{target}", self.url))
            .insert_header(("X-Request-Id", "me"));
        let request = request.insert_header(("Content-Type", "application/json"));
        let mut response = request.send_body(body).await.expect("an answer");
        let bytes = response.body().await.expect("a whole answer");
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{bytes:?}");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Asks for everything that asks a port, and expects the same of each.
    async fn all_answer(&self, status: u16, slug: &str) -> Vec<Answer> {
        let requests = [
            ("POST", "/events".to_owned(), CLICK),
            ("POST", "/events".to_owned(), r#"[{"user_id":"u","event_type":"click"}]"#),
            ("POST", "/visits".to_owned(), r#"{"uid":"v","url":"/"}"#),
            ("GET", "/events".to_owned(), ""),
            ("GET", "/events/0196fd2c-1111-7000-8000-000000000001".to_owned(), ""),
            ("GET", "/analytics/visitors?url=/".to_owned(), ""),
            ("GET", "/analytics/summary".to_owned(), ""),
            ("GET", format!("/analytics/pages?{RANGE}"), ""),
            ("GET", format!("/analytics/timeseries?metric=events&interval=day&{RANGE}"), ""),
            ("GET", "/export".to_owned(), ""),
            ("DELETE", "/users/u".to_owned(), ""),
            ("PUT", "/events/example.com/bounced".to_owned(), ""),
            ("GET", "/domains/example.com".to_owned(), ""),
            ("GET", "/metrics/users".to_owned(), ""),
            ("POST", "/users".to_owned(), r#"{"ID":"u","segment":"s"}"#),
            ("GET", "/segments/count".to_owned(), ""),
            ("GET", "/segments/s/count".to_owned(), ""),
            ("POST", "/segments/refresh".to_owned(), ""),
        ];
        let mut answers = Vec::new();
        for (method, target, body) in requests {
            let answer = self.ask(method, &target, body).await;
            assert_eq!(answer.status, status, "{method} {target}: {}", answer.body);
            answer.is_problem(slug);
            answers.push(answer);
        }
        answers
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn is_problem(&self, slug: &str) {
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"));
        assert_eq!(self.header("X-Request-Id"), Some("me"));
        assert_eq!(self.body["request_id"], "me");
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["type"], format!("urn:footfall:problem:{slug}"), "{}", self.body);
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{}", self.body);
    }

    fn retry_after_s(&self) -> Option<u64> {
        self.header("Retry-After")?.parse().ok()
    }
}

#[actix_web::test]
async fn a_panic_is_a_500_and_the_service_goes_on() {
    for behaviour in [Behaviour::Panics, Behaviour::PanicsWithText] {
        let shell = Shell::start(behaviour);
        // More often than there are workers: none may be lost.
        for _ in 0..3 {
            shell.all_answer(500, "internal").await;
        }
        assert_eq!(shell.ask("GET", "/health", "").await.status, 200);
        shell.ports.cured.store(true, Ordering::Relaxed);
        assert_eq!(shell.ask("POST", "/events", CLICK).await.status, 201);
        assert_eq!(shell.ask("GET", "/events", "").await.status, 200);
    }
}

#[actix_web::test]
async fn what_never_returns_is_a_503_in_time() {
    let shell = Shell::start(Behaviour::NeverReturns);
    let since = Instant::now();
    let answer = shell.ask("POST", "/events", CLICK).await;
    let took = since.elapsed();
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!((Duration::from_millis(400)..Duration::from_secs(3)).contains(&took), "{took:?}");
    for answer in shell.all_answer(503, "timeout").await {
        assert!(answer.retry_after_s().is_some_and(|seconds| seconds > 0));
    }
    shell.ports.cured.store(true, Ordering::Relaxed);
    assert_eq!(shell.ask("POST", "/events", CLICK).await.status, 201);
}

#[actix_web::test]
async fn a_store_that_is_away_says_when_to_come_back() {
    for (retry_after, seconds) in [(Duration::from_secs(5), 5), (Duration::from_millis(20), 1)] {
        let shell = Shell::start(Behaviour::Unavailable(retry_after));
        for answer in shell.all_answer(503, "unavailable").await {
            assert_eq!(answer.retry_after_s(), Some(seconds));
        }
    }
    let full = Shell::start(Behaviour::Full);
    for answer in full.all_answer(503, "unavailable").await {
        assert_eq!(answer.retry_after_s(), Some(7));
    }
}

#[actix_web::test]
async fn a_store_that_failed_is_a_500_that_hides_its_cause() {
    let shell = Shell::start(Behaviour::Fails);
    for answer in shell.all_answer(500, "internal").await {
        assert_eq!(answer.retry_after_s(), None);
    }
}

#[actix_web::test]
async fn an_event_that_the_store_kept_silent_about_is_not_called_stored() {
    let shell = Shell::start(Behaviour::KeepsSilent);
    for (target, body) in [("/events", CLICK), ("/visits", r#"{"uid":"v","url":"/"}"#)] {
        let answer = shell.ask("POST", target, body).await;
        assert_eq!(answer.status, 500, "{target}: {}", answer.body);
        answer.is_problem("internal");
    }
}

#[actix_web::test]
async fn ready_names_what_is_down() {
    let state = |name, required, state: Result<(), &str>| DependencyState {
        name,
        required,
        state: state.map_err(str::to_owned),
    };
    let down = vec![
        state("storage", true, Err("it is away")),
        state("cache", false, Err("it is away too")),
        state("clock", true, Ok(())),
    ];
    let shell = Shell::with_dependencies(Behaviour::Works, down);
    let answer = shell.ask("GET", "/health/ready", "").await;
    assert_eq!(answer.status, 503);
    answer.is_problem("not-ready");
    assert!(answer.retry_after_s().is_some());
    let expected = json!([
        { "name": "storage", "required": true, "status": "down", "detail": "it is away" },
        { "name": "cache", "required": false, "status": "down", "detail": "it is away too" },
        { "name": "clock", "required": true, "status": "ok" },
    ]);
    assert_eq!(answer.body["dependencies"], expected);
    // The process itself is alive.
    assert_eq!(shell.ask("GET", "/health/live", "").await.status, 200);

    let not_needed = vec![state("storage", true, Ok(())), state("cache", false, Err("it is away"))];
    let shell = Shell::with_dependencies(Behaviour::Works, not_needed);
    let answer = shell.ask("GET", "/health/ready", "").await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("ready")), "{}", answer.body);
    assert_eq!(answer.body["dependencies"][1]["status"], "down");
}

#[actix_web::test]
async fn ports_that_work_are_asked() {
    let shell = Shell::start(Behaviour::Works);
    assert_eq!(shell.ask("POST", "/events", CLICK).await.status, 201);
    let summary = shell.ask("GET", "/analytics/summary", "").await;
    let bounds = (summary.body["from"].as_str(), summary.body["to"].as_str());
    assert_eq!(bounds, (Some("2025-05-25T14:00:00.000000Z"), Some("2025-05-26T14:00:01.000000Z")));
    assert_eq!(shell.ask("GET", "/events/nope", "").await.status, 404);
    assert_eq!(shell.ask("DELETE", "/users/u", "").await.status, 204);
    assert_eq!(shell.ask("POST", "/verify", "").await.body, json!({ "consistent": true, "differences": [] }));
}

/// Without [`Behaviour::NeverReturns`]: these may take as long as they need.
#[actix_web::test]
async fn what_may_take_long_says_so_when_it_fails() {
    for (behaviour, status, slug) in [
        (Behaviour::Panics, 500, "internal"),
        (Behaviour::Fails, 500, "internal"),
        (Behaviour::Unavailable(Duration::from_secs(5)), 503, "unavailable"),
    ] {
        for target in ["/verify", "/metrics/calculate"] {
            let answer = Shell::start(behaviour).ask("POST", target, "").await;
            assert_eq!(answer.status, status, "{behaviour:?}, {target}: {}", answer.body);
            answer.is_problem(slug);
        }
    }
}
