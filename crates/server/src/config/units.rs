//! Sizes and durations as people write them.

use std::time::Duration;

/// A number of bytes: `512`, `64KiB`, `10MiB`, `1GiB`, or in powers of ten `10MB`.
pub(super) fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

/// A duration above zero: `30s`, `5m`, `90d`, `1h 30m`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, size) in [("512", 512), ("64KiB", 65_536), ("10 MiB", 10 << 20), ("1GB", 1_000_000_000)] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "10XB", "99999999999TiB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("90d"), Some(Duration::from_hours(90 * 24)));
        assert_eq!(duration("0s"), None);
        assert_eq!(duration("30"), None);
    }
}
