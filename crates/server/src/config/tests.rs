use super::*;

fn load(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::check(Reader::load(None, Some(environment))?)
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = load(&[]).unwrap();
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.grace_period, Duration::from_secs(20));
    assert_eq!(config.memory.max_bytes, 1 << 30);
    assert_eq!((config.limits.body_bytes, config.limits.batch_events), (10 << 20, 10_000));
    assert_eq!((config.limits.url_bytes, config.limits.connections), (32 << 10, 10_000));
    assert_eq!((config.limits.rate_per_second, config.limits.rate_clients), (None, 100_000));
    assert_eq!(config.storage.retention, None);
    assert!(!config.events.accept_unknown);
}

#[test]
fn the_environment_overrides_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[memory]\nmax_bytes = '2GiB'\n[storage]\nretention = '7d'\n[pages]\ntracking_parameters = ['a', 'b_*']\n";
    std::fs::write(file.path(), text).unwrap();
    let environment = [("FOOTFALL__MEMORY__MAX_BYTES".to_owned(), "3GiB".to_owned())].into();
    let config = Config::check(Reader::load(Some(file.path()), Some(environment)).unwrap()).unwrap();
    assert_eq!(config.memory.max_bytes, 3 << 30);
    assert_eq!(config.storage.retention, Some(Duration::from_hours(7 * 24)));
    assert_eq!(config.pages.tracking_parameters, ["a", "b_*"]);
}

#[test]
fn all_problems_are_told_at_once_and_by_name() {
    let error = load(&[
        ("FOOTFALL__SERVER__BIND", "localhost"),
        ("FOOTFALL__STORAGE__BACKEND", "mysql"),
        ("FOOTFALL__MEMORY__MAX_BYTES", "lots"),
        ("FOOTFALL__LIMITS__BATCH_EVENTS", "0"),
        ("FOOTFALL__STORAGE__BACKND", "memory"),
        ("FOOTFALL__AUTH__KEYS", "a:write:secret"),
        ("FOOTFALL__LIMITS__RATE_PER_SECOND", "0"),
        ("FOOTFALL__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, proxy.example"),
    ])
    .unwrap_err();
    let text = error.to_string();
    for name in [
        "SERVER__BIND",
        "STORAGE__BACKEND",
        "MEMORY__MAX_BYTES",
        "BATCH_EVENTS",
        "STORAGE__BACKND",
        "AUTH__KEYS",
        "LIMITS__RATE_PER_SECOND",
        "SERVER__TRUSTED_PROXIES: `proxy.example`",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(error.0.len(), 8);
}

#[test]
fn only_loopback_is_served_without_keys_unless_permitted() {
    let elsewhere = ("FOOTFALL__SERVER__BIND", "0.0.0.0:8080");
    let error = load(&[elsewhere]).unwrap_err().to_string();
    assert!(error.contains("FOOTFALL__AUTH__ALLOW_ANONYMOUS"), "{error}");
    assert!(load(&[elsewhere, ("FOOTFALL__AUTH__ALLOW_ANONYMOUS", "true")]).is_ok());
    assert!(load(&[("FOOTFALL__SERVER__BIND", "[::1]:0")]).is_ok());
}
