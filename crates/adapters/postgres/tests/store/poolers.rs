//! Through PgBouncer in transaction mode, where no two statements need run on one connection.

use footfall_conformance::Reference;
use footfall_conformance::events::mixed;
use footfall_conformance::expected::Expected;
use footfall_ports::EventLog;
use footfall_postgres::PostgresStore;
use footfall_test_services::{PgBouncer, Postgres};

use crate::support::{append, opened, options};

async fn open_through(bouncer: &PgBouncer, database: &str) -> PostgresStore {
    let mut options = options(&bouncer.url(database));
    options.connect.pgbouncer = true;
    opened(options).await.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_works_through_it() {
    let server = Postgres::start();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let bouncer = PgBouncer::before(&server);
    let stores = [open_through(&bouncer, name).await, open_through(&bouncer, name).await];
    let events = mixed(0..4_000);
    let mut appending = Vec::new();
    for (place, store) in stores.iter().cloned().enumerate() {
        for task in 0..3 {
            let (store, mut events) = (store.clone(), events.clone());
            events.rotate_left(place * 2_000 + task * 600);
            appending.push(tokio::spawn(async move {
                for part in events.chunks([40, 130, 900][task]) {
                    append(&store, part).await;
                }
            }));
        }
    }
    for task in appending {
        task.await.unwrap();
    }
    let mut reference = Reference::default();
    reference.append(&events);
    for store in &stores {
        Expected::of_reference(&reference).holds_for(store).await;
    }
    assert_eq!(stores[0].erase_user("user-3".into()).await.unwrap(), reference.erase("user-3"));
    stores[1].maintain().await.unwrap();
    for store in &stores {
        Expected::of_reference(&reference).holds_for(store).await;
    }
    Expected::of_reference(&reference).holds_for(&open_through(&bouncer, name).await).await;
}
