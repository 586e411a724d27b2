//! HTTPS: who is served, with which certificate, and how the commands find the server then.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use footfall_test_services::make_certificate_in;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use tempfile::TempDir;
use tungstenite::Message;

use crate::support::{Request, Server, footfall};

const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a certificate, its key, and the authority's own.
struct Certificate(TempDir);

impl Certificate {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make_certificate_in(folder.path());
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn serve(&self) -> Server {
        Server::start(&[("TLS__CERT", &self.file("server.crt")), ("TLS__KEY", &self.file("server.key"))])
    }

    /// Puts another one in the place of this one, as who renews it does.
    fn replace_with(&self, other: &Self) {
        for name in ["server.crt", "server.key"] {
            fs::copy(other.0.path().join(name), self.0.path().join(name)).expect("there is room");
        }
    }
}

/// A client that trusts that authority alone.
fn client(authority: &Path, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).expect("it was made") {
        roots.add(certificate.expect("it is one")).expect("it is an authority's");
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("there are some");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("it is a name")
}

fn connect(
    server: &Server,
    authority: &Path,
    protocols: &[&[u8]],
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let client = client(authority, protocols);
    let connection = ClientConnection::new(client, name()).expect("the configuration is complete");
    let stream = TcpStream::connect(&server.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The first line of the answer to a request over a connection of its own.
fn status_line(server: &Server, authority: &Path, request: &Request) -> io::Result<String> {
    Ok(ask(server, authority, request)?.lines().next().unwrap_or_default().to_owned())
}

/// The whole answer, likewise.
fn ask(server: &Server, authority: &Path, request: &Request) -> io::Result<String> {
    let mut stream = connect(server, authority, &[])?;
    stream.write_all(&request.clone().header("Connection", "close").bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        // A close without a farewell is not what is looked at here.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// The address by the name that the certificate has.
fn by_name(server: &Server) -> String {
    server.url().replace("127.0.0.1", "localhost")
}

#[test]
fn https_is_served_where_there_is_a_certificate_and_nothing_else_is() {
    let certificate = Certificate::new();
    let authority = certificate.0.path().join("ca.crt");
    let server = certificate.serve();
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let event = json!({ "event_type": "click", "user_id": "ann" }).to_string();
    let answer = status_line(&server, &authority, &Request::post("/events", event));
    assert_eq!(answer.expect("it is answered"), "HTTP/1.1 201 Created");

    // Plain HTTP is closed without an answer, and another authority's clients don't come in.
    let mut plain = TcpStream::connect(&server.address).expect("it listens");
    plain.set_read_timeout(Some(PATIENCE)).expect("it is a time");
    plain.write_all(&Request::get("/health").bytes()).expect("it listens");
    let mut answer = Vec::new();
    // It is closed or reset.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    let other = Certificate::new();
    let refused = status_line(&server, &other.0.path().join("ca.crt"), &Request::get("/health"));
    let error = refused.expect_err("it isn't trusted").to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[test]
fn browsers_are_told_to_come_back_by_https_only() {
    let certificate = Certificate::new();
    let server = certificate.serve();
    for path in ["/health", "/nope"] {
        let answer =
            ask(&server, &certificate.0.path().join("ca.crt"), &Request::get(path)).expect("it answers");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
}

#[test]
fn browsers_get_http_1_and_websockets() {
    let certificate = Certificate::new();
    let authority = certificate.0.path().join("ca.crt");
    let server = certificate.serve();
    let chosen = |protocols: &[&[u8]]| {
        let stream = connect(&server, &authority, protocols).expect("it is trusted");
        stream.conn.alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(chosen(&[b"h2", b"http/1.1"]).as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(chosen(&[]), None);

    let stream = connect(&server, &authority, &[b"http/1.1"]).expect("it is trusted");
    let url = format!("wss://{}/ws/events", server.address);
    let (mut socket, _) = tungstenite::client(url, stream).expect("it is taken");
    let event = json!({ "event_type": "click", "user_id": "ann" }).to_string();
    socket.send(Message::text(event)).expect("it is open");
    let told = [(); 2].map(|()| socket.read().expect("it is answered").into_text().expect("it is text"));
    assert!(told.iter().any(|text| text.contains(r#""status":"accepted""#)), "{told:?}");
}

#[test]
fn a_renewed_certificate_is_shown_after_sighup_and_a_broken_one_is_not() {
    let (first, second) = (Certificate::new(), Certificate::new());
    let server = first.serve();
    let (old, new) = (first.0.path().join("ca.crt"), second.0.path().join("ca.crt"));
    let is_shown = |authority: &Path| status_line(&server, authority, &Request::get("/health")).is_ok();
    let mut open = connect(&server, &old, &[]).expect("it is trusted");
    assert!(is_shown(&old) && !is_shown(&new));

    first.replace_with(&second);
    assert!(is_shown(&old), "it isn't read by itself");
    server.signal("HUP");
    let since = Instant::now();
    while !is_shown(&new) {
        assert!(since.elapsed() < PATIENCE, "it was not read again");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_shown(&old));
    // Who was there before goes on.
    open.write_all(&Request::get("/health").bytes()).expect("it is open");
    let mut answer = [0; 15];
    open.read_exact(&mut answer).expect("it is answered");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    fs::write(first.file("server.key"), "broken").expect("there is room");
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(is_shown(&new));
    server.terminate();
    let stopped = server.wait();
    assert!(stopped.status.success(), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("the certificate stays as it was: FOOTFALL__TLS__KEY"),
        "{}",
        stopped.stderr
    );
}

#[test]
fn without_https_sighup_does_no_harm() {
    let server = Server::start(&[]);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(server.ask(&Request::get("/health")).status, 200);
}

#[test]
fn what_can_not_be_shown_stops_the_start() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let (cert, key) = (certificate.file("server.crt"), certificate.file("server.key"));
    let (missing, foreign) = (certificate.file("none.pem"), other.file("server.key"));
    for (settings, complaint) in [
        (vec![("TLS__CERT", &cert)], "FOOTFALL__TLS__KEY: is needed too, where the certificate is given"),
        (vec![("TLS__KEY", &key)], "FOOTFALL__TLS__CERT: is needed too, where the key is given"),
        (vec![("TLS__CERT", &missing), ("TLS__KEY", &key)], "FOOTFALL__TLS__CERT: "),
        (vec![("TLS__CERT", &key), ("TLS__KEY", &key)], "there is no certificate in it"),
        (vec![("TLS__CERT", &cert), ("TLS__KEY", &cert)], "FOOTFALL__TLS__KEY: "),
        (vec![("TLS__CERT", &cert), ("TLS__KEY", &foreign)], "FOOTFALL__TLS__CERT and FOOTFALL__TLS__KEY: "),
    ] {
        let settings: Vec<_> = settings.into_iter().map(|(name, value)| (name, &**value)).collect();
        let said = Server::refuses_to_start(&settings);
        assert!(said.contains(complaint), "{settings:?}: {said}");
    }
}

#[test]
fn commands_reach_a_server_with_https() {
    let certificate = Certificate::new();
    let (cert, key, authority) =
        (certificate.file("server.crt"), certificate.file("server.key"), certificate.file("ca.crt"));
    let server = certificate.serve();
    let with_its_settings = || {
        let mut command = footfall();
        let settings = [("SERVER__BIND", &server.address), ("TLS__CERT", &cert), ("TLS__KEY", &key)];
        command.envs(settings.map(|(name, value)| (format!("FOOTFALL__{name}"), value)));
        command.env("SSL_CERT_FILE", "/dev/null");
        command
    };
    // The configured one on the loopback, whatever name its certificate has.
    let (code, stdout, stderr) = run(with_its_settings().arg("healthcheck"));
    assert_eq!((code, stdout), (Some(0), format!("{} is ready\n", server.url())), "{stderr}");
    let (code, _, stderr) = run(with_its_settings().args(["seed", "events", "--count", "50"]));
    assert_eq!(code, Some(0), "{stderr}");
    let (code, stdout, stderr) = run(with_its_settings().arg("export"));
    assert_eq!((code, stdout.lines().count()), (Some(0), 50), "{stderr}");

    // One that is named is held to its name and to those who vouch for it.
    let named = by_name(&server);
    let run_against = |url: &str, trusted: &str, command: &str| {
        run(footfall().env("SSL_CERT_FILE", trusted).args([command, "--server", url]))
    };
    let (code, stdout, stderr) = run_against(&named, &authority, "export");
    assert_eq!((code, stdout.lines().count()), (Some(0), 50), "{stderr}");
    assert_eq!(run_against(&named, &authority, "healthcheck").0, Some(0));
    let (code, _, stderr) = run_against(&named, "/dev/null", "healthcheck");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("certificate"), "{stderr}");
}
