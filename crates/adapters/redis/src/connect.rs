//! How Redis is reached: its URL, TLS, and one connection.

use std::fs;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use url::Url;

use crate::error::Trouble;

/// How long a connection may take to be made and to be answered on, TLS and password included.
pub const CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// Why a URL can't be used. It never holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It isn't one.
    #[error("is not a URL such as redis://user:password@host:6379/0: {0}")]
    Malformed(&'static str),
    /// Its certificates can't be used.
    #[error("asks for TLS that can't be had: the certificates in {file} can't be read: {why}")]
    Certificates {
        /// The file that `sslrootcert` names.
        file: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads a URL. Nothing is connected.
pub(crate) fn client(url: &str) -> Result<Client, UrlError> {
    if !url.contains("://") {
        return Err(UrlError::Malformed("it has no scheme"));
    }
    let mut url = Url::parse(url).map_err(|_| UrlError::Malformed("its host, port or form is wrong"))?;
    if !matches!(url.scheme(), "redis" | "rediss" | "valkey" | "valkeys") {
        return Err(UrlError::Malformed("its scheme is neither redis nor rediss"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UrlError::Malformed("it names no host"));
    }
    let database = url.path().trim_matches('/');
    if !database.is_empty() && database.parse::<u32>().is_err() {
        return Err(UrlError::Malformed("its database is not a number"));
    }
    if url.fragment().is_some() {
        return Err(UrlError::Malformed(
            "it has a fragment; a # in a password is written %23, and TLS is always verified",
        ));
    }
    let roots = take_roots(&mut url);
    let is_encrypted = matches!(url.scheme(), "rediss" | "valkeys");
    let unusable = |_| UrlError::Malformed("its user, password or parameters can't be used");
    let info: ConnectionInfo = url.into_connection_info().map_err(unusable)?;
    match roots {
        None => Client::open(info).map_err(unusable),
        Some(_) if !is_encrypted => Err(UrlError::Malformed("sslrootcert is for rediss only")),
        Some(file) => {
            let wrong = |why: String| UrlError::Certificates { file: file.clone(), why };
            let pem = fs::read(&file).map_err(|error| wrong(error.to_string()))?;
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
            Client::build_with_tls(info, certificates).map_err(|error| wrong(error.to_string()))
        }
    }
}

/// Takes the parameter that the driver doesn't know out of the URL: a file with the authorities to trust.
fn take_roots(url: &mut Url) -> Option<String> {
    let (roots, others): (Vec<_>, Vec<_>) =
        url.query_pairs().into_owned().partition(|(name, _)| name == "sslrootcert");
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    roots.into_iter().next_back().map(|(_, file)| file)
}

/// Makes a connection that has answered, within its limit.
pub(crate) async fn connect(client: &Client, in_flight_max: usize) -> Result<MultiplexedConnection, Trouble> {
    // The limits are held here and for each command: the driver's own would be a second opinion.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(in_flight_max);
    let connected = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(connection)
    };
    match tokio::time::timeout(CONNECT_LIMIT, connected).await {
        Ok(connected) => connected.map_err(Trouble::of_connecting),
        Err(_) => Err(Trouble::SlowConnect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for url in [
            "redis://localhost",
            "redis://:pass%23word@127.0.0.1:6380/3",
            "redis://ann:secret@[::1]:6379/0?protocol=resp3",
            "rediss://cache.example",
            "valkey://cache.example/1",
        ] {
            client(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
        let read = client("redis://ann:pass%23word@cache.example/3").unwrap();
        let settings = read.get_connection_info().redis_settings();
        assert_eq!(
            (settings.username(), settings.password(), settings.db()),
            (Some("ann"), Some("pass#word"), 3)
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, what) in [
            ("", "no scheme"),
            ("secret", "no scheme"),
            ("http://ann:secret@cache.example", "neither redis nor rediss"),
            ("redis://ann:secret@", "host"),
            ("redis://ann:secret@cache.example:port", "host, port or form"),
            ("redis://ann:secret@cache.example/first", "not a number"),
            ("redis://ann:secret@cache.example/-1", "not a number"),
            ("redis://ann:se#cret@cache.example", "host, port or form"),
            ("rediss://ann:secret@cache.example#insecure", "always verified"),
            ("redis://ann:secret@cache.example?protocol=secret", "parameters"),
            ("redis://ann:secret@cache.example?sslrootcert=/x", "rediss only"),
            ("rediss://ann:secret@cache.example?sslrootcert=/nowhere/at.all", "/nowhere/at.all"),
        ] {
            let error = client(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(error.contains(what), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
