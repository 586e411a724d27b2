//! TLS to the database, in each of libpq's modes.

use footfall_conformance::events::mixed;
use footfall_test_services::Postgres;

use crate::support::{append, chain, opened, options};

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_does_what_it_says() {
    let server = Postgres::with_tls();
    let ca = server.ca_file().display().to_string();
    let encrypted = |url: &str| {
        let count = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'footfall' AND ssl AND datname = current_database()";
        server.sql(url, count) != "0"
    };
    for (settings, is_encrypted) in [
        ("sslmode=disable".to_owned(), false),
        ("sslmode=prefer".to_owned(), true),
        ("sslmode=require".to_owned(), true),
        (format!("sslmode=verify-ca&sslrootcert={ca}"), true),
        (format!("sslmode=verify-full&sslrootcert={ca}"), true),
    ] {
        let url = server.database();
        let store = opened(options(&format!("{url}?{settings}"))).await;
        let store = store.unwrap_or_else(|error| panic!("{settings}: {}", chain(&error)));
        append(&store, &mixed(0..10)).await;
        assert_eq!(encrypted(&url), is_encrypted, "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_trusted_is_not() {
    let (server, other) = (Postgres::with_tls(), Postgres::with_tls());
    let url = server.database();
    let foreign = other.ca_file().display().to_string();
    for settings in [
        format!("sslmode=verify-full&sslrootcert={foreign}"),
        format!("sslmode=verify-ca&sslrootcert={foreign}"),
        "sslmode=verify-full&sslrootcert=/nowhere.crt".to_owned(),
    ] {
        let error = opened(options(&format!("{url}?{settings}"))).await.err().expect("it is refused");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    // By another name than the certificate has, only `verify-full` refuses.
    let ca = server.ca_file().display().to_string();
    let elsewhere = url.replace("127.0.0.1", "127.0.0.2");
    assert!(opened(options(&format!("{elsewhere}?sslmode=verify-full&sslrootcert={ca}"))).await.is_err());
    // A server without TLS is none for whoever asks for it.
    let plain = Postgres::shared().database();
    assert!(opened(options(&format!("{plain}?sslmode=require"))).await.is_err());
}
