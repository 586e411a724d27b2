//! Tables on their way to events.

use std::io::Read;

use footfall_import_formats::csv::{ByteRecord, Header, Records};
use footfall_import_formats::{LineIds, Scope};

/// Each record becomes one line of JSON or leaves no trace, lines are counted as they are there, and a table that comes
/// in small pieces is the same table.
///
/// # Panics
/// When one of these doesn't hold.
pub fn csv(data: &[u8]) {
    let whole = events(data, data.len());
    assert_eq!(whole, events(Pieces(data), data.len()), "it depends on how it is read");
}

/// The lines that the records begin on, and their events; nothing where the header isn't understood.
fn events(reader: impl Read, bytes: usize) -> Vec<(u64, Vec<u8>)> {
    let mut records = Records::new(reader);
    let mut record = ByteRecord::new();
    let Ok(Some(_)) = records.read(&mut record) else { return Vec::new() };
    let Ok(header) = Header::parse(&record) else { return Vec::new() };
    let (mut events, mut last_line) = (Vec::new(), 0);
    let (mut ids, scope) = (LineIds::default(), Scope::new("csv", ""));
    while let Ok(Some(line)) = records.read(&mut record) {
        // A bare carriage return ends a record, and no line.
        assert!(line >= last_line && line <= bytes as u64, "line {line} after line {last_line}");
        last_line = line;
        let mut out = b"before".to_vec();
        let written = header.write_event(&record, |record| ids.next(scope, record), &mut out);
        let event = out.strip_prefix(b"before").expect("what was written before stays").to_vec();
        match written {
            Ok(()) => {
                crate::event::one_line(&event);
                crate::event::judge(&event);
            }
            Err(why) => assert!(event.is_empty() && !why.to_string().is_empty(), "a trace of the record"),
        }
        events.push((line, event));
    }
    events
}

/// Sixteen bytes at a time: csv looks for a byte order mark, and more, in the first piece.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(16);
        self.0.read(&mut buffer[..count])
    }
}
