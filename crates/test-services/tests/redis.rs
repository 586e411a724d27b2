//! That a Redis for tests does what they will rely on. That it leaves nothing behind when it is killed with its process
//! is told in `services.rs`, for all of them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::Duration;

use footfall_test_services::Redis;

#[test]
fn it_keeps_nothing_and_starts_again_where_it_was() {
    let redis = Redis::start();
    let port = redis.port();
    assert_eq!(redis.url(), format!("redis://127.0.0.1:{port}"));
    assert_eq!(redis.command(&["SET", "key", "two\r\nlines"]), "OK");
    assert_eq!(redis.command(&["GET", "key"]), "two\r\nlines");
    redis.kill();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    redis.start_again();
    assert_eq!((redis.port(), redis.command(&["GET", "key"])), (port, String::new()));
    let folder = redis.folder().to_path_buf();
    drop(redis);
    assert!(!folder.exists());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn it_keeps_what_it_is_asked_to_keep() {
    let redis = Redis::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    redis.command(&["SET", "key", "value"]);
    redis.kill();
    redis.start_again();
    assert_eq!(redis.command(&["GET", "key"]), "value");
    redis.flush();
    assert_eq!(redis.command(&["DBSIZE"]), "0");
}

#[test]
fn settings_are_those_given() {
    let redis = Redis::start_with(&[("requirepass", "se \"cret"), ("maxmemory", "64mb")]);
    assert!(redis.url().starts_with("redis://:se \"cret@127.0.0.1:"));
    assert_eq!(redis.command(&["CONFIG", "GET", "maxmemory"]), "maxmemory\n67108864");
    let mut stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).unwrap();
    stranger.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    stranger.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"-NOAUTH");
    assert!(redis.try_command(&["NONSENSE"]).unwrap_err().contains("unknown command"));
}

#[test]
fn databases_of_the_shared_one_are_apart() {
    let redis = Redis::shared();
    let (one, other) = (redis.database(), redis.database());
    assert_ne!(one, other);
    assert!(one.starts_with(&format!("{}/", redis.url())));
}

#[test]
fn a_paused_one_answers_when_it_is_resumed() {
    let redis = Redis::start();
    redis.pause();
    thread::scope(|scope| {
        let answer = scope.spawn(|| redis.command(&["PING"]));
        thread::sleep(Duration::from_millis(300));
        assert!(!answer.is_finished());
        redis.resume();
        assert_eq!(answer.join().unwrap(), "PONG");
    });
    redis.pause();
    let folder = redis.folder().to_path_buf();
    drop(redis);
    assert!(!folder.exists());
}

#[test]
fn one_with_tls_takes_nothing_else() {
    let redis = Redis::with_tls();
    assert!(redis.url().starts_with("rediss://"));
    assert!(redis.ca_file().exists());
    let mut plain = TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).unwrap();
    plain.write_all(b"PING\r\n").unwrap();
    let mut answer = Vec::new();
    // Closed, with or without complaint.
    plain.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"+PONG"));
}
