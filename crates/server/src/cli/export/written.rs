//! How far an export is: counted from the bytes as they pass, wherever they come from.

use std::cell::Cell;
use std::fmt;

use footfall_services::export::Format;

/// What was written so far.
pub(super) struct Written {
    format: Format,
    lines: Cell<u64>,
    bytes: Cell<u64>,
    /// Whether a quoted cell of a table goes on: then a line break ends no record.
    is_quoted: Cell<bool>,
}

impl Written {
    pub(super) const fn new(format: Format) -> Self {
        Self { format, lines: Cell::new(0), bytes: Cell::new(0), is_quoted: Cell::new(false) }
    }

    pub(super) fn add(&self, piece: &[u8]) {
        let (mut lines, mut is_quoted) = (self.lines.get(), self.is_quoted.get());
        for byte in piece {
            match byte {
                // A quote within a quoted cell is doubled, so that it changes nothing.
                b'"' if self.format == Format::Csv => is_quoted = !is_quoted,
                b'\n' if !is_quoted => lines += 1,
                _ => {}
            }
        }
        self.lines.set(lines);
        self.is_quoted.set(is_quoted);
        self.bytes.set(self.bytes.get() + piece.len() as u64);
    }

    fn events(&self) -> u64 {
        match self.format {
            Format::Ndjson => self.lines.get(),
            Format::Csv => self.lines.get().saturating_sub(1),
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {} bytes", self.events(), self.bytes.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_and_not_lines() {
        let text = "event_id,user_id\n1,\"a\n\"\"\n\"\n2,b\n";
        for cut in 0..text.len() {
            let written = Written::new(Format::Csv);
            written.add(&text.as_bytes()[..cut]);
            written.add(&text.as_bytes()[cut..]);
            assert_eq!(written.to_string(), format!("2 events, {} bytes", text.len()));
        }
        let written = Written::new(Format::Ndjson);
        written.add(b"{\"a\":\"\n{}\n");
        assert_eq!(written.events(), 2);
    }
}
