//! Reading settings one by one, and gathering everything that is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use config::{Environment, File, FileFormat, Map, Value, ValueKind};

use footfall_http::{Keys, Origins, TrustedProxies};
use footfall_services::Schedule;

use super::units;

const PREFIX: &str = "FOOTFALL";

/// All that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError(pub(crate) Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not usable:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// What is left of reading when nothing was wrong.
pub(super) struct Finished {
    /// Every setting with its effective value.
    pub(super) effective: Vec<(String, String)>,
}

/// Settings by `section.key`, taken one by one; what is left over at the end is unknown.
pub(super) struct Reader {
    values: BTreeMap<String, String>,
    effective: Vec<(String, String)>,
    problems: Vec<String>,
}

impl Reader {
    /// Reads the file, then what overrides it: the environment, or in tests a map in its place.
    pub(super) fn load(
        file: Option<&Path>,
        environment: Option<Map<String, String>>,
    ) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(File::new(&file.to_string_lossy(), FileFormat::Toml));
        }
        let source =
            Environment::with_prefix(PREFIX).prefix_separator("__").separator("__").source(environment);
        let read = builder
            .add_source(source)
            .build()
            .and_then(config::Config::try_deserialize::<Map<String, Value>>);
        let tables = read.map_err(|error| ConfigError(vec![without_source(&error.to_string())]))?;
        let mut values = BTreeMap::new();
        for (section, value) in tables {
            flatten(&section, value, &mut values);
        }
        Ok(Self { values, effective: Vec::new(), problems: Vec::new() })
    }

    /// Everything read, unless there were problems.
    pub(super) fn finish(mut self) -> Result<Finished, ConfigError> {
        for name in std::mem::take(&mut self.values).into_keys() {
            self.problem(&name, "is not a setting");
        }
        if self.problems.is_empty() {
            Ok(Finished { effective: self.effective })
        } else {
            Err(ConfigError(self.problems))
        }
    }

    pub(super) fn problem(&mut self, name: &str, message: &str) {
        self.problems.push(format!("{}: {message}", variable(name)));
    }

    /// A setting that may be absent.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.values.remove(name);
        self.effective.push((name.to_owned(), value.clone().unwrap_or_default()));
        value
    }

    /// A URL that may hold a password, which is never shown.
    pub(super) fn secret_url(&mut self, name: &str) -> Option<String> {
        let value = self.values.remove(name).filter(|value| !value.is_empty());
        self.effective.push((name.to_owned(), value.as_deref().map(without_password).unwrap_or_default()));
        value
    }

    /// A setting with a default, read by a function that says what it expects.
    fn read<T>(&mut self, name: &str, default: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let given = self.values.remove(name);
        let value = given.as_deref().map_or(default, str::trim);
        self.effective.push((name.to_owned(), value.to_owned()));
        read(value).unwrap_or_else(|| {
            self.problem(name, &format!("`{value}` is not {expected}"));
            read(default).expect("defaults are valid")
        })
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, default: &str, expected: &str) -> T {
        self.read(name, default, expected, |value| value.parse().ok())
    }

    pub(super) fn word(&mut self, name: &str, default: &str) -> String {
        self.read(name, default, "something other than nothing", |value| {
            (!value.is_empty()).then(|| value.to_owned())
        })
    }

    pub(super) fn number(&mut self, name: &str, default: usize, range: RangeInclusive<usize>) -> usize {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let default = default.to_string();
        self.read(name, &default, &expected, |value| {
            value.parse().ok().filter(|number| range.contains(number))
        })
    }

    pub(super) fn bytes(&mut self, name: &str, default: &str, min: usize) -> usize {
        let expected = format!("a size such as 10MiB, of at least {min} bytes");
        self.read(name, default, &expected, |value| units::bytes(value).filter(|bytes| *bytes >= min))
    }

    /// A part of a whole.
    pub(super) fn ratio(&mut self, name: &str, default: &str) -> f64 {
        self.read(name, default, "a number from 0 to 1", |value| {
            value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        })
    }

    pub(super) fn duration(&mut self, name: &str, default: &str) -> Duration {
        self.read(name, default, "a duration such as 30s", units::duration)
    }

    pub(super) fn duration_from_zero(&mut self, name: &str, default: &str) -> Duration {
        self.read(name, default, "a duration such as 30s, or 0s", |value| {
            humantime::parse_duration(value).ok()
        })
    }

    /// A cron expression, or `off`.
    pub(super) fn schedule(&mut self, name: &str, default: &str) -> Option<Schedule> {
        let expected = "a cron expression in UTC of five fields, or six with seconds first, such as `1 */4 * * *`, or off";
        self.read(name, default, expected, |value| {
            if value == "off" { Some(None) } else { Schedule::parse(value).ok().map(Some) }
        })
    }

    pub(super) fn duration_or_off(&mut self, name: &str) -> Option<Duration> {
        self.read(name, "off", "a duration such as 90d, or off", |value| {
            if value == "off" { Some(None) } else { units::duration(value).map(Some) }
        })
    }

    pub(super) fn choice<T: Copy>(&mut self, name: &str, default: &str, choices: &[(&str, T)]) -> T {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of: {}", words.join(", "));
        self.read(name, default, &expected, |value| {
            choices.iter().find(|(word, _)| *word == value).map(|(_, choice)| *choice)
        })
    }

    pub(super) fn list(&mut self, name: &str, default: &str) -> Vec<String> {
        self.read(name, default, "a list of words", |value| {
            let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
            Some(words.map(str::to_owned).collect())
        })
    }

    /// Keys, of which only names and scopes are shown; none where there is no entry.
    pub(super) fn keys(&mut self, name: &str) -> Option<Keys> {
        let value = self.values.remove(name).unwrap_or_default();
        let entries: Vec<String> =
            value.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
        let shown = entries.iter().map(|entry| match entry.splitn(3, ':').count() {
            3 => format!("{}:***", entry.splitn(3, ':').take(2).collect::<Vec<_>>().join(":")),
            _ => "***".to_owned(),
        });
        self.effective.push((name.to_owned(), shown.collect::<Vec<_>>().join(",")));
        if entries.is_empty() {
            return None;
        }
        Keys::parse(&entries).map_err(|problem| self.problem(name, &problem)).ok()
    }

    /// Origins of web pages, or `*`; none by default.
    pub(super) fn origins(&mut self, name: &str) -> Origins {
        let origins = Origins::parse(&self.list(name, ""));
        origins.unwrap_or_else(|origin| {
            let expected = "an origin such as https://shop.example, and not * either";
            self.problem(name, &format!("`{origin}` is not {expected}"));
            Origins::default()
        })
    }

    /// Networks and single addresses; none by default.
    pub(super) fn networks(&mut self, name: &str) -> TrustedProxies {
        let networks = TrustedProxies::parse(&self.list(name, ""));
        networks.unwrap_or_else(|network| {
            let expected = "a network such as 10.0.0.0/8 or fd00::/8, nor an address";
            self.problem(name, &format!("`{network}` is neither {expected}"));
            TrustedProxies::default()
        })
    }

    /// So many a second, or `off`.
    pub(super) fn rate(&mut self, name: &str) -> Option<NonZeroU32> {
        self.read(name, "off", "a whole number from 1, or off", |value| {
            if value == "off" { Some(None) } else { value.parse().ok().map(Some) }
        })
    }

    pub(super) fn log_level(&mut self, name: &str, default: &str) -> String {
        self.read(
            name,
            default,
            "one of error, warn, info, debug, trace, or a filter such as info,footfall_http=debug",
            |value| {
                tracing_subscriber::EnvFilter::try_new(value)
                    .ok()
                    .filter(|_| !value.is_empty())
                    .map(|_| value.to_owned())
            },
        )
    }
}

/// A parser's message, less the lines of the file that it shows: a secret may stand there.
fn without_source(message: &str) -> String {
    let is_source = |line: &str| {
        line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|')
    };
    message.lines().filter(|line| !is_source(line)).collect::<Vec<_>>().join(" ")
}

/// A URL with `***` in the place of its password; nothing of what isn't one.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "***".to_owned() };
    if rest.split_once('?').is_some_and(|(_, query)| query.contains('@')) {
        // It can't be told what belongs to the password.
        return format!("{scheme}://***");
    }
    let (address, query) = rest.split_once('?').map_or((rest, ""), |(address, query)| (address, query));
    let (user, host) = address.rsplit_once('@').map_or(("", address), |(user, host)| (user, host));
    let user = user.split_once(':').map_or(user.to_owned(), |(user, _)| format!("{user}:***"));
    let at = if user.is_empty() { "" } else { "@" };
    // A password may stand among the parameters too.
    let query = if query.is_empty() { "" } else { "?***" };
    format!("{scheme}://{user}{at}{host}{query}")
}

/// A setting's name as the environment spells it.
fn variable(name: &str) -> String {
    format!("{PREFIX}__{}", name.to_ascii_uppercase().replace('.', "__"))
}

fn flatten(name: &str, value: Value, values: &mut BTreeMap<String, String>) {
    match value.kind {
        ValueKind::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{name}.{key}"), value, values);
            }
        }
        ValueKind::Array(items) => {
            // What is no word is left to whoever reads it, to find fault with.
            let words = items.into_iter().map(|item| {
                let text = item.to_string();
                item.into_string().unwrap_or(text)
            });
            values.insert(name.to_owned(), words.collect::<Vec<_>>().join(","));
        }
        _ => {
            values.insert(name.to_owned(), value.into_string().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://ann:se:cr@t@db:5432/x", "postgres://ann:***@db:5432/x"),
            ("postgres://ann@db/x?password=secret", "postgres://ann@db/x?***"),
            ("postgres://db/x", "postgres://db/x"),
            ("redis://:se?cret@h", "redis://***"),
            ("host=db password=secret", "***"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
