//! An input as a stream of plain bytes: opened, counted, decompressed by what its first bytes say, its beginning looked at.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

const BUFFER_BYTES: usize = 64 << 10;
/// How far in the first line that isn't blank is looked for: a CSV header is shorter.
const HEAD_BYTES: usize = 8 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// RFC 8878 §3.1.2: a skippable frame begins with 0x184D2A50 to 0x184D2A5F, little-endian. pzstd puts one first.
const ZSTD_SKIPPABLE_TAIL: [u8; 3] = [0x2a, 0x4d, 0x18];

/// An opened input.
pub(super) struct Source {
    /// The plain bytes from the start, less a byte order mark.
    pub(super) reader: Box<dyn BufRead + Send>,
    /// The first of them: at least the first line that isn't blank, if that is within [`HEAD_BYTES`].
    pub(super) head: Vec<u8>,
}

impl Source {
    /// Opens `path` (`-`: standard input). `bytes_read` grows by what is read, before decompression.
    ///
    /// # Errors
    /// When it can't be opened or its beginning can't be read or decompressed.
    pub(super) fn open(path: &Path, bytes_read: &Arc<AtomicU64>) -> io::Result<Self> {
        let raw: Box<dyn Read + Send> =
            if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(open_file(path)?) };
        Self::of(Counted { inner: raw, bytes: Arc::clone(bytes_read) })
    }

    fn of(mut raw: impl Read + Send + 'static) -> io::Result<Self> {
        let magic = read_head(&mut raw, ZSTD_MAGIC.len(), |_| false)?;
        let is_zstd = magic == ZSTD_MAGIC
            || (magic.len() == 4 && magic[1..] == ZSTD_SKIPPABLE_TAIL && magic[0] >> 4 == 5);
        let is_gzip = magic.starts_with(&GZIP_MAGIC);
        let raw = Cursor::new(magic).chain(raw);
        let mut plain: Box<dyn Read + Send> = if is_gzip {
            // Rotated and appended logs consist of several members.
            Box::new(MultiGzDecoder::new(raw))
        } else if is_zstd {
            Box::new(zstd::stream::read::Decoder::new(raw)?)
        } else {
            Box::new(raw)
        };
        let has_line = |head: &[u8]| head.trim_ascii_start().contains(&b'\n');
        let mut head = read_head(&mut plain, HEAD_BYTES, has_line)?;
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let reader = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head.clone()).chain(plain));
        Ok(Self { reader: Box::new(reader), head })
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    Ok(file)
}

/// Reads up to `limit` bytes, less when `enough` says so or the input ends: standard input may be slow to go on.
fn read_head(reader: &mut impl Read, limit: usize, enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let mut head = vec![0; limit];
    let mut filled = 0;
    while filled < limit && !enough(&head[..filled]) {
        match reader.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(filled);
    Ok(head)
}

struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// What [`next_line`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The line is in the buffer, without its end.
    Whole,
    /// It was longer than the limit and has been passed over.
    TooLong,
    /// There is no further line.
    End,
}

/// Reads a line of at most `limit` bytes (its `\n` or `\r\n` not counted) into `line`, never holding more than that.
pub(super) fn next_line(reader: &mut impl BufRead, limit: usize, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    // Room for the two bytes of a line's end.
    reader.by_ref().take(limit as u64 + 2).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(Line::End);
    }
    let is_ended = line.last() == Some(&b'\n');
    if is_ended {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.len() <= limit {
        return Ok(Line::Whole);
    }
    if !is_ended {
        reader.skip_until(b'\n')?;
    }
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zst(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 1).unwrap()
    }

    /// Gives one byte at a time, as a slow pipe would.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn read(bytes: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        let mut source = Source::of(Slow(Cursor::new(bytes))).unwrap();
        let mut all = Vec::new();
        source.reader.read_to_end(&mut all).unwrap();
        (source.head, all)
    }

    #[test]
    fn compression_is_known_by_content_and_may_come_in_parts() {
        let skippable = [&b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &zst(b"one\ntwo\n")].concat();
        let cases = [
            b"one\ntwo\n".to_vec(),
            gzip(b"one\ntwo\n"),
            [gzip(b"one\n"), gzip(b""), gzip(b"two\n")].concat(),
            zst(b"one\ntwo\n"),
            [zst(b"one\n"), zst(b"two\n")].concat(),
            skippable,
        ];
        for (case, bytes) in cases.into_iter().enumerate() {
            let (head, all) = read(bytes);
            assert_eq!(all, b"one\ntwo\n", "case {case}");
            assert!(head.starts_with(b"one\n"), "case {case}");
        }
    }

    #[test]
    fn short_inputs_and_byte_order_marks_are_no_trouble() {
        for (bytes, plain) in [
            (&b""[..], &b""[..]),
            (b"a", b"a"),
            (b"\x1f", b"\x1f"),
            (b"\xef\xbb\xbf{}", b"{}"),
            (b"\n\n{}\n", b"\n\n{}\n"),
        ] {
            let (head, all) = read(bytes.to_vec());
            assert_eq!((&head[..], &all[..]), (plain, plain));
        }
    }

    #[test]
    fn a_damaged_gzip_file_is_an_error_and_not_an_end() {
        let mut bytes = gzip(&b"some line of a log\n".repeat(10_000));
        bytes.truncate(bytes.len() - 9);
        let mut source = Source::of(Cursor::new(bytes)).unwrap();
        assert!(source.reader.read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_input() {
        let mut reader = BufReader::with_capacity(3, &b"one\r\n\ntwo\rx\n\r\nlast"[..]);
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while next_line(&mut reader, 100, &mut line).unwrap() == Line::Whole {
            lines.push(String::from_utf8(line.clone()).unwrap());
        }
        assert_eq!(lines, ["one", "", "two\rx", "", "last"]);
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_never_held() {
        for end in ["\n", "\r\n", ""] {
            for (bytes, found) in [
                (4, Line::Whole),
                (5, Line::Whole),
                (6, Line::TooLong),
                (7, Line::TooLong),
                (8, Line::TooLong),
                (900, Line::TooLong),
            ] {
                let next = if end.is_empty() { "" } else { "next" };
                let text = format!("{}{end}{next}", "x".repeat(bytes));
                let mut reader = BufReader::with_capacity(4, text.as_bytes());
                let mut line = Vec::new();
                assert_eq!(next_line(&mut reader, 5, &mut line).unwrap(), found, "{bytes} {end:?}");
                assert!(line.capacity() <= 16, "{}", line.capacity());
                next_line(&mut reader, 5, &mut line).unwrap();
                assert_eq!(line, next.as_bytes());
            }
        }
    }
}
