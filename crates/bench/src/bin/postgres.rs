//! The postgres backend beside what the same server does for the simplest of programs: rows a second of COPY into a staging
//! table and `INSERT … ON CONFLICT DO NOTHING` into a table with a random UUID key, batches of 5,000 over two connections.
//! First on empty tables, then with millions of rows in both.
//!
//! `postgres [EVENTS]`, ten million unless told otherwise. It starts a server of its own, whose data is beside the program and
//! is removed in the end. Bounded by the number and by time; nothing leaves the machine.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_bench::load::machine::Machine;
use footfall_bench::load::random::Random;
use footfall_bench::load::servers::database_server;
use footfall_bench::stores::{SystemClock, open_postgres};
use footfall_domain::event::{EventBatch, EventId, EventParts, Subject};
use footfall_domain::time::{DAY_US, TimeRange};
use footfall_ports::{Analytics, Clock, EventLog};
use footfall_test_services::Postgres;
use serde_json::Value;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const EVENTS: usize = 10_000_000;
const ROUNDS: usize = 3;
const SECONDS: u64 = 6;
const BATCH: usize = 5_000;
const CONNECTIONS: u64 = 2;
const PROPERTIES: &str = r#"{"page":"https://shop.example.com/products/0001","referrer":"https://www.example.org/search","title":"Espresso machines","screen":"1920x1080"}"#;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let events = std::env::args().nth(1).map_or(Ok(EVENTS), |events| events.parse())?;
    println!("{:?}", Machine::look_up());
    let program = std::env::current_exe()?;
    let server = database_server(&program);
    println!("{:<34} {:>14} {:>14} {:>8}", "", "ceiling, rows/s", "footfall, /s", "ratio");
    empty_tables(&server, "empty tables", "0.6", &[]).await?;
    empty_tables(&server, "the same, mails", "0.5", &["--events", "mails"]).await?;

    let (raw, own) = (server.database(), server.database());
    create_raw(&raw).await?;
    fill(&server, &raw, &own, events)?;
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let title = format!("{events} rows and more, round {}", round + 1);
        ratios.push(compare(&title, &raw, &own, 100 + round as u64, &[]).await?);
    }
    println!("{:<34} {:>14} {:>14} {:>8.2}  aim: 0.6", "the same, median", "", "", median(&mut ratios));
    distinct(&server, &raw, &own).await?;
    flushes(&server.database()).await
}

/// Compares on databases of their own, which are gone afterwards. `more` says what is sent.
async fn empty_tables(server: &Postgres, title: &str, aim: &str, more: &[&str]) -> Outcome<()> {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let (raw, own) = (server.database(), server.database());
        create_raw(&raw).await?;
        let title = format!("{title}, round {}", round + 1);
        ratios.push(compare(&title, &raw, &own, round as u64, more).await?);
        for url in [raw, own] {
            let name = url.rsplit('/').next().unwrap_or_default();
            server.sql(&server.url("postgres"), &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
    let title = format!("{title}, median");
    println!("{title:<34} {:>14} {:>14} {:>8.2}  aim: {aim}", "", "", median(&mut ratios));
    Ok(())
}

/// The ceiling and the product, one after the other, each alone on the machine.
async fn compare(title: &str, raw: &str, own: &str, seed: u64, more: &[&str]) -> Outcome<f64> {
    let ceiling = ceiling(raw, seed).await?;
    let seconds = SECONDS.to_string();
    let footfall = load(own, seed, &[&["--seconds", &seconds], more].concat())?;
    println!("{title:<34} {ceiling:>14.0} {footfall:>14.0} {:>8.2}", footfall / ceiling);
    Ok(footfall / ceiling)
}

async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn create_raw(url: &str) -> Outcome<()> {
    let table =
        "CREATE TABLE raw (id uuid PRIMARY KEY, at bigint, event_type text, user_id text, properties text)";
    Ok(connect(url).await?.batch_execute(table).await?)
}

/// Rows a second over all connections.
async fn ceiling(url: &str, seed: u64) -> Outcome<f64> {
    let (began, mut writers) = (Instant::now(), Vec::new());
    for connection in 0..CONNECTIONS {
        let client = connect(url).await?;
        writers.push(tokio::spawn(write_rows(client, Random::new(seed, 1_000 + connection))));
    }
    let mut rows = 0;
    for writer in writers {
        rows += writer.await??;
    }
    Ok(rows as f64 / began.elapsed().as_secs_f64())
}

async fn write_rows(mut client: Client, mut random: Random) -> Outcome<usize> {
    client.batch_execute("CREATE TEMPORARY TABLE staging (LIKE raw) ON COMMIT DELETE ROWS").await?;
    let (until, mut rows) = (Instant::now() + Duration::from_secs(SECONDS), 0);
    let types = [Type::UUID, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT];
    while Instant::now() < until {
        let transaction = client.transaction().await?;
        let sink = transaction.copy_in("COPY staging FROM STDIN (FORMAT binary)").await?;
        let writer = BinaryCopyInWriter::new(sink, &types);
        tokio::pin!(writer);
        for _ in 0..BATCH {
            let id = Uuid::from_u64_pair(random.next_u64(), random.next_u64());
            let user = format!("user-{:07}", random.below(1_000_000));
            let at = (random.next_u64() >> 20) as i64;
            writer.as_mut().write(&[&id, &at, &"page_view", &user, &PROPERTIES]).await?;
        }
        writer.finish().await?;
        transaction.execute("INSERT INTO raw SELECT * FROM staging ON CONFLICT DO NOTHING", &[]).await?;
        transaction.commit().await?;
        rows += BATCH;
    }
    Ok(rows)
}

/// Events a second that the load benchmark gets through the service, a thousand in a request.
fn load(url: &str, seed: u64, more: &[&str]) -> Outcome<f64> {
    let program: PathBuf = std::env::current_exe()?.with_file_name("load");
    let figures = std::env::current_exe()?.with_file_name(format!("bench-load-{}.json", std::process::id()));
    let output = Command::new(program)
        .args([
            "--backend",
            "postgres",
            "--scenario",
            "batch",
            "--rounds",
            "1",
            "--seed",
            &(seed + 7).to_string(),
        ])
        .args(more)
        .arg("--json")
        .arg(&figures)
        .env("FOOTFALL__POSTGRES__URL", url)
        .output()?;
    let text = std::fs::read_to_string(&figures);
    // Where there is none the program has said why.
    let _ = std::fs::remove_file(&figures);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned().into());
    }
    let figures: Value = serde_json::from_str(&text?)?;
    let figure = &figures["scenarios"][0]["figures"]["events_per_second"]["footfall"];
    figure.as_f64().ok_or_else(|| format!("no figure in {figures}").into())
}

/// So many rows in both.
fn fill(server: &Postgres, raw: &str, own: &str, events: usize) -> Outcome<()> {
    let began = Instant::now();
    server.sql(
        raw,
        &format!(
            "INSERT INTO raw SELECT gen_random_uuid(), n, 'page_view', 'user-' || (random() * 1000000)::integer, '{PROPERTIES}'
             FROM generate_series(1, {events}) AS n; ANALYZE raw"
        ),
    );
    println!("filled the raw table in {:.0} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let stored = || server.sql(own, "SELECT coalesce(sum(next & 4294967295), 0) FROM lanes");
    let mut seed = 1_000;
    // The table is there once the service has started.
    load(own, seed, &["--seconds", "1"])?;
    while stored().parse::<usize>()? < events {
        seed += 1;
        load(own, seed, &["--seconds", "15", "--spread-days", "30"])?;
    }
    println!("filled the service's with {} events in {:.0} s", stored(), began.elapsed().as_secs_f64());
    Ok(())
}

/// Different users of all there is: counted by the database, and asked of the service.
async fn distinct(server: &Postgres, raw: &str, own: &str) -> Outcome<()> {
    let client = connect(raw).await?;
    let mut counted = Vec::new();
    for _ in 0..2 {
        let began = Instant::now();
        client.query_one("SELECT count(DISTINCT user_id) FROM raw", &[]).await?;
        counted.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let began = Instant::now();
    let store = open_postgres(own, &clock).await.map_err(|error| error.to_string())?;
    println!("a start with all of it: {:.2} s", began.elapsed().as_secs_f64());
    let range = TimeRange::ALL;
    let mut asked = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        store
            .series(
                footfall_domain::answers::Metric::Visitors,
                footfall_domain::answers::SeriesFilter::default(),
                vec![range],
            )
            .await?;
        asked.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let (database, service) = (counted[1], median(&mut asked));
    println!(
        "different users of all: {database:.0} ms by count(distinct), {service:.3} ms asked: {:.0} times  aim: 500",
        database / service
    );
    let bytes = |url: &str, count: &str| -> Outcome<f64> {
        let size: f64 = server.sql(url, "SELECT pg_database_size(current_database())").parse()?;
        Ok(size / server.sql(url, count).parse::<f64>()?)
    };
    println!(
        "bytes on disk: {:.0} an event, {:.0} a row of the raw table",
        bytes(own, "SELECT sum(next & 4294967295) FROM lanes")?,
        bytes(raw, "SELECT count(*) FROM raw")?
    );
    Ok(())
}

/// What a thousand small commits cost those who come later: before they are put together, and after.
async fn flushes(url: &str) -> Outcome<()> {
    const FLUSHES: u64 = 2_000;
    const EVENTS: u64 = 25;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let open = || async { open_postgres(url, &clock).await.map_err(|error| error.to_string()) };
    let (store, mut random) = (open().await?, Random::new(9, 9));
    for _ in 0..FLUSHES {
        let mut batch = EventBatch::with_capacity(EVENTS as usize, EVENTS as usize * 300);
        for _ in 0..EVENTS {
            batch.push(&EventParts {
                id: EventId::from_bytes(
                    Uuid::from_u64_pair(random.next_u64(), random.next_u64()).into_bytes(),
                ),
                at: clock.now(),
                event_type: "click",
                user: Some(&format!("user-{:07}", random.below(1_000_000))),
                subject: Subject::None,
                properties: PROPERTIES,
            });
        }
        store.append(Arc::new(batch)).await?;
    }
    for when in ["before", "after"] {
        let began = Instant::now();
        let other = open().await?;
        let opened = began.elapsed();
        let (now, mut asked) = (clock.now(), Vec::new());
        let range =
            TimeRange::new(now.plus_micros(-DAY_US), now.plus_micros(DAY_US)).unwrap_or(TimeRange::ALL);
        for _ in 0..200 {
            let began = Instant::now();
            other.summary(range).await?;
            asked.push(began.elapsed().as_secs_f64() * 1e3);
        }
        println!(
            "{FLUSHES} commits of {EVENTS} events, {when} merging: an instance starts in {:.0} ms and answers in {:.3} ms",
            opened.as_secs_f64() * 1e3,
            median(&mut asked)
        );
        store.maintain().await?;
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
