//! Which format a file is in: what the command line says, else its name, else how it begins.

use std::path::Path;

use clap::ValueEnum;

/// The formats that import takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One canonical event per line, as `footfall export` writes them.
    Ndjson,
    /// A header row, then one event per record, as `footfall export --format csv` writes them.
    Csv,
    /// Apache's `common`, `combined` and `vhost_combined` logs, and nginx's default.
    AccessLog,
}

impl Format {
    /// By the name's extension, the one of a compressed file being looked through.
    pub(super) fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = [".gz", ".zst", ".zstd"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "log" => Some(Self::AccessLog),
            _ => None,
        }
    }

    /// By the first line that isn't blank: JSON begins with `{`, a CSV header names `event_type`.
    pub(super) fn of_content(head: &[u8]) -> Self {
        let head = head.trim_ascii_start();
        let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if head.starts_with(b"{") {
            return Self::Ndjson;
        }
        let is_header = first_line.split(|&byte| byte == b',').any(|name| unquoted(name) == b"event_type");
        if is_header { Self::Csv } else { Self::AccessLog }
    }
}

fn unquoted(name: &[u8]) -> &[u8] {
    let name = name.trim_ascii();
    name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format_behind_a_compression() {
        let cases = [
            ("a.ndjson", Some(Format::Ndjson)),
            ("/x/a.JSONL.gz", Some(Format::Ndjson)),
            ("a.b.csv.zst", Some(Format::Csv)),
            ("access.log", Some(Format::AccessLog)),
            ("access.log.zstd", Some(Format::AccessLog)),
            ("access.log.1.gz", None),
            ("csv", None),
            (".gz", None),
            ("-", None),
        ];
        for (name, format) in cases {
            assert_eq!(Format::of_name(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn else_the_first_line_tells() {
        let cases: [(&[u8], Format); 7] = [
            (b"\n  {\"event_type\":\"click\"}", Format::Ndjson),
            (b"event_id,user_id,event_type\r\n", Format::Csv),
            (b"\"user_id\", \"event_type\"\n1,click", Format::Csv),
            (b"user_id,event_type", Format::Csv),
            (b"my_event_type,x\nevent_type\n", Format::AccessLog),
            (b"1.2.3.4 - - [17/May/2015:10:05:03 +0000]", Format::AccessLog),
            (b"", Format::AccessLog),
        ];
        for (head, format) in cases {
            assert_eq!(Format::of_content(head), format, "{}", String::from_utf8_lossy(head));
        }
    }
}
