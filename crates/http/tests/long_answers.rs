//! Answers that take long: exports, whose body goes on when the handler is through, and verification. How they fail, and
//! which of them the time limit of requests is for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt::{spawn, task::spawn_blocking, time::sleep};
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use footfall_domain::answers::{
    EventFilter, Metric, PageCounts, PageOrder, RankedPage, SeriesFilter, Slice, Summary,
};
use footfall_domain::event::{Event, EventBatch, EventId, EventParts, Subject};
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_domain::validate::Rules;
use footfall_http::{Api, Description, Exposition, HttpLimits, Origins, RequestScope, configure};
use footfall_memory::{CACHE_BYTES_DEFAULT, InProcessCache, MemoryOptions, MemoryStore};
use footfall_ports::{
    Analytics, Clock, DependencyState, EventIds, EventLog, Health, Outcome, StoreError, Version,
};
use footfall_services::export::SLICE_EVENTS;
use footfall_services::live::{Live, LiveLimits};
use footfall_services::{Answers, Ingest, Limits, Memberships, SegmentSnapshots};

const TIMEOUT: Duration = Duration::from_millis(300);
/// Events of the log: two full slices and some.
const EVENTS: usize = 2 * SLICE_EVENTS + 10;
/// The end of a chunked body that is whole.
const END: &str = "\r\n0\r\n\r\n";

/// What the log does from some slice on.
#[derive(Clone, Copy)]
enum Then {
    Goes,
    Fails,
    Panics,
    TakesLong,
}

/// All ports in one: a log of clicks, whose verification takes longer than a request may.
struct Ports {
    events: usize,
    /// The slice, counted from 0, from which on it is different.
    from_slice: usize,
    then: Then,
    slices: AtomicUsize,
    differences: Vec<String>,
}

#[async_trait]
impl EventLog for Ports {
    async fn append(&self, batch: Arc<EventBatch>) -> Result<Vec<Outcome>, StoreError> {
        Ok(vec![Outcome::Stored; batch.len()])
    }

    async fn event(&self, _: EventId) -> Result<Option<Event>, StoreError> {
        Ok(None)
    }

    async fn events(&self, _: EventFilter, slice: Slice) -> Result<Vec<Event>, StoreError> {
        if self.slices.fetch_add(1, Ordering::Relaxed) >= self.from_slice {
            match self.then {
                Then::Goes => {}
                Then::Fails => return Err(StoreError::Failed("the disk is gone".into())),
                Then::Panics => panic!("a defect"),
                Then::TakesLong => sleep(2 * TIMEOUT).await,
            }
        }
        let first =
            slice.after.map_or(0, |(at, _)| usize::try_from(at.micros()).expect("not before 1970") + 1);
        Ok((first..self.events).take(slice.limit).map(click).collect())
    }

    async fn erase_user(&self, _: String) -> Result<u64, StoreError> {
        Ok(0)
    }
}

fn click(number: usize) -> Event {
    let at = Timestamp::from_micros_clamped(number as i64);
    let (id, event_type, user) = (EventId::from_bytes([7; 16]), "click", Some("u"));
    let mut batch = EventBatch::default();
    batch.push(&EventParts { id, at, event_type, user, subject: Subject::None, properties: "{}" });
    Event::copy_of(batch.get(0))
}

#[async_trait]
impl Analytics for Ports {
    async fn page(&self, _: String, _: TimeRange) -> Result<PageCounts, StoreError> {
        Ok(PageCounts::default())
    }

    async fn top_pages(&self, _: TimeRange, _: PageOrder, _: usize) -> Result<Vec<RankedPage>, StoreError> {
        Ok(Vec::new())
    }

    async fn summary(&self, _: TimeRange) -> Result<Summary, StoreError> {
        sleep(2 * TIMEOUT).await;
        Ok(Summary::default())
    }

    async fn series(&self, _: Metric, _: SeriesFilter, _: Vec<TimeRange>) -> Result<Vec<u64>, StoreError> {
        Ok(Vec::new())
    }

    async fn version(&self, _: TimeRange) -> Result<Version, StoreError> {
        Ok(Version { store: 0, removals: 0, events: 0 })
    }

    async fn verify(&self) -> Result<Vec<String>, StoreError> {
        sleep(2 * TIMEOUT).await;
        Ok(self.differences.clone())
    }
}

#[async_trait]
impl Health for Ports {
    async fn check(&self) -> Vec<DependencyState> {
        Vec::new()
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros_clamped(0)
    }
}

impl EventIds for Ports {
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

/// The shell over these ports, for as long as the test's runtime lives.
struct Shell {
    address: SocketAddr,
    ports: Arc<Ports>,
}

impl Shell {
    fn start(from_slice: usize, then: Then) -> Self {
        let (slices, differences) = (AtomicUsize::new(0), Vec::new());
        Self::of(Ports { events: EVENTS, from_slice, then, slices, differences })
    }

    fn of(ports: Ports) -> Self {
        let ports = Arc::new(ports);
        let limits = Limits { batch_events: 10 };
        let (log, clock, ids) = (ports.clone(), ports.clone(), ports.clone());
        let options = MemoryOptions { max_bytes: 1 << 20, retention: None, clock: clock.clone() };
        let store = Arc::new(MemoryStore::start(options).expect("there are threads"));
        let cache = Arc::new(InProcessCache::new(CACHE_BYTES_DEFAULT, clock.clone()));
        let live = Live::new(None, clock.clone(), LiveLimits { listeners: 1, buffer_bytes: 1 << 16 });
        let api = Data::new(Api {
            ingest: Ingest::new(log, live.clone(), clock.clone(), ids, Rules::default(), limits, None),
            log: ports.clone(),
            analytics: ports.clone(),
            answers: Answers::new(ports.clone(), cache, clock.clone(), Duration::ZERO),
            domains: store.clone(),
            catch_all_threshold: 1_000,
            metrics: store.clone(),
            memberships: Memberships::new(store.clone(), clock.clone(), limits),
            segments: store.clone(),
            snapshots: SegmentSnapshots::new(store.clone(), store, clock.clone()),
            live,
            keys: None,
            origins: Origins::default(),
            rate: None,
            health: ports.clone(),
            requests: Arc::default(),
            description: Description::new().unwrap(),
            exposition: Arc::new(Nothing),
            clock,
            limits: HttpLimits { body_bytes: 1 << 20, request_timeout: TIMEOUT },
        });
        let scope = RequestScope::new(TIMEOUT, 0xF00D);
        let app = move || App::new().wrap(scope.clone()).configure(|routes| configure(routes, api.clone()));
        let server =
            HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").expect("a free port");
        let address = server.addrs()[0];
        spawn(server.run());
        Self { address, ports }
    }

    /// Sends a request and hands back the head and the body as they came, up to the connection's end. No client's
    /// library takes part, for what is asked here is whether the body's end was there.
    async fn raw(&self, request: &'static str) -> (String, String) {
        let address = self.address;
        let answer = spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("the server takes connections");
            stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout above zero");
            let close = "Host: footfall.test\r\nConnection: close\r\n\r\n";
            stream.write_all(format!("{request}\r\n{close}").as_bytes()).expect("the server reads");
            let mut answer = Vec::new();
            // A connection that is cut may be reset: what came before counts.
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8(answer).expect("UTF-8")
        });
        let answer = answer.await.expect("the client doesn't panic");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_ascii_lowercase(), body.to_owned())
    }

    async fn is_well(&self) {
        let (head, _) = self.raw("GET /health HTTP/1.1").await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
}

fn events_in(body: &str) -> usize {
    body.matches("\"event_id\"").count()
}

#[actix_web::test]
async fn an_export_that_works_has_an_end() {
    let shell = Shell::start(0, Then::Goes);
    let (head, body) = shell.raw("GET /export HTTP/1.1").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("transfer-encoding: chunked"), "{head}");
    assert!(head.contains("content-type: application/x-ndjson") && head.contains("x-request-id: "), "{head}");
    assert!(head.contains("content-disposition: attachment; filename=\"footfall-events.ndjson\""), "{head}");
    assert!(events_in(&body) == EVENTS && body.ends_with(END), "{}", events_in(&body));
    assert_eq!(shell.ports.slices.load(Ordering::Relaxed), 3);
}

#[actix_web::test]
async fn an_export_that_fails_midway_is_cut_before_its_end() {
    for then in [Then::Fails, Then::Panics] {
        for target in ["GET /export HTTP/1.1", "GET /export?format=csv HTTP/1.1"] {
            for from_slice in [1, 2] {
                let shell = Shell::start(from_slice, then);
                let (head, body) = shell.raw(target).await;
                assert!(head.starts_with("http/1.1 200"), "{head}");
                assert!(!body.ends_with(END), "{target}: a part passes for the whole");
                shell.is_well().await;
            }
        }
    }
}

#[actix_web::test]
async fn an_export_that_fails_at_once_is_a_problem() {
    let shell = Shell::start(0, Then::Fails);
    for request in ["GET /export HTTP/1.1", "HEAD /export HTTP/1.1"] {
        let (head, _) = shell.raw(request).await;
        assert!(head.starts_with("http/1.1 500") && head.contains("application/problem+json"), "{head}");
        assert!(!head.contains("content-disposition"), "{head}");
    }
    let shell = Shell::start(0, Then::TakesLong);
    let (head, body) = shell.raw("GET /export HTTP/1.1").await;
    assert!(head.starts_with("http/1.1 503") && body.contains("urn:footfall:problem:timeout"), "{head}");
}

#[actix_web::test]
async fn the_time_limit_is_for_the_first_slice_only() {
    let shell = Shell::start(1, Then::TakesLong);
    let since = Instant::now();
    let (_, body) = shell.raw("GET /export HTTP/1.1").await;
    assert!(events_in(&body) == EVENTS && body.ends_with(END), "{}", events_in(&body));
    assert!(since.elapsed() > 4 * TIMEOUT, "{:?}", since.elapsed());
}

#[actix_web::test]
async fn head_reads_one_slice_and_sends_none_of_it() {
    let shell = Shell::start(0, Then::Goes);
    let (head, body) = shell.raw("HEAD /export?format=csv HTTP/1.1").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("text/csv; charset=utf-8"), "{head}");
    assert!(head.contains("filename=\"footfall-events.csv\""), "{head}");
    assert_eq!((&*body, shell.ports.slices.load(Ordering::Relaxed)), ("", 1));
    let (get, _) = shell.raw("GET /export?format=csv HTTP/1.1").await;
    let names = |head: &str| -> Vec<String> {
        let mut names: Vec<_> =
            head.lines().filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect();
        names.sort();
        names
    };
    assert_eq!(names(&head), names(&get));
}

/// Without chunks the connection's end is the body's end, and a cut would look like one.
#[actix_web::test]
async fn a_client_that_could_not_tell_a_cut_gets_no_export() {
    let shell = Shell::start(0, Then::Goes);
    let (head, body) = shell.raw("GET /export HTTP/1.0").await;
    assert!(head.split(' ').nth(1) == Some("505") && body.contains("HTTP/1.1"), "{head} {body}");
}

#[actix_web::test]
async fn a_slow_reader_sets_the_pace() {
    // Some 500 MB: more than all buffers between here and there.
    let (slices, differences) = (AtomicUsize::new(0), Vec::new());
    let events = 2_000 * SLICE_EVENTS;
    let shell = Shell::of(Ports { events, from_slice: 0, then: Then::Goes, slices, differences });
    let mut stream = TcpStream::connect(shell.address).expect("the server takes connections");
    stream.write_all(b"GET /export HTTP/1.1\r\nHost: a\r\n\r\n").expect("the server reads");
    let mut read = (0, 1);
    while read.0 != read.1 {
        sleep(TIMEOUT).await;
        read = (read.1, shell.ports.slices.load(Ordering::Relaxed));
    }
    assert!((1..1_000).contains(&read.0), "{} slices were read for a client that reads nothing", read.0);
    drop(stream);
    shell.is_well().await;
}

#[actix_web::test]
async fn verification_may_take_longer_than_a_request() {
    let shell = Shell::start(0, Then::Goes);
    let (head, body) = shell.raw("POST /verify HTTP/1.1").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, r#"{"consistent":true,"differences":[]}"#);
    // Everything else still may not.
    let (head, _) = shell.raw("GET /analytics/summary HTTP/1.1").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
}

#[actix_web::test]
async fn what_differs_is_told() {
    let differences = vec!["page views of /home: 3, the log says 4".to_owned()];
    let slices = AtomicUsize::new(0);
    let shell = Shell::of(Ports { events: 0, from_slice: 0, then: Then::Goes, slices, differences });
    let (head, body) = shell.raw("POST /verify HTTP/1.1").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, r#"{"consistent":false,"differences":["page views of /home: 3, the log says 4"]}"#);
}
