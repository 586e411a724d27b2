//! TLS, which is always verified.

use footfall_test_services::Redis;

use crate::support::{ailment, get, open, put};

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_the_url_names() {
    let redis = Redis::with_tls();
    let trusting = format!("?sslrootcert={}", redis.ca_file().display());
    for host in ["127.0.0.1", "localhost"] {
        let url = redis.url().replace("127.0.0.1", host);
        let store = open(&format!("{url}/0{trusting}"));
        put(&store, "key", b"value").await;
        assert_eq!(get(&store, "key").await.as_deref(), Some(&b"value"[..]));
    }
    // The system's authorities know nothing of it, and plain text is not understood.
    for url in [redis.url(), redis.url().replace("rediss", "redis")] {
        let store = open(&url);
        assert_eq!(ailment(&store).await.as_deref(), Some("Redis can't be reached"), "{url}");
    }
}
