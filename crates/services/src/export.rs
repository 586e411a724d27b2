//! Events on their way out, oldest first, in the forms that import takes: a line of JSON each, or a table.
//!
//! An export holds one slice of the log at a time and hands out chunks of bytes; whoever drives it sets the pace. It
//! goes on after the last event that it read, so of what arrives meanwhile it has what comes later in the order of
//! time and identity, and not what comes earlier. It ends where the log ends when it gets there.

use std::sync::Arc;

use footfall_domain::answers::{EventFilter, Order, Position, Slice};
use footfall_domain::event::{Event, EventRef};
use footfall_domain::time::TimeRange;
use footfall_ports::{EventLog, StoreError};

/// Most events that an export reads at a time, and so the most that it holds.
pub const SLICE_EVENTS: usize = 2_000;
/// A chunk is handed out once it has about so many bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// The columns of a table, as import reads them.
const COLUMNS: [&str; 5] = ["event_id", "user_id", "event_type", "timestamp", "properties"];

/// The form in which events go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Newline-delimited JSON: each line is an event as the API shows it.
    Ndjson,
    /// Comma-separated values: a header row, then an event in each record, its properties as JSON text.
    Csv,
}

impl Format {
    /// The name in the API and on the command line, and the ending of a file's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// The events of a range on their way out.
pub struct Export {
    log: Arc<dyn EventLog>,
    format: Format,
    range: TimeRange,
    /// What was read and is not handed out yet.
    slice: std::vec::IntoIter<Event>,
    /// The last event that was read.
    after: Option<Position>,
    is_begun: bool,
    /// Whether the log was read to its end.
    is_read: bool,
}

impl Export {
    /// An export of that range. Nothing is read before the first chunk is asked for.
    pub fn new(log: Arc<dyn EventLog>, format: Format, range: TimeRange) -> Self {
        let slice = Vec::new().into_iter();
        Self { log, format, range, slice, after: None, is_begun: false, is_read: false }
    }

    /// The next chunk: whole lines or records. `None` when all events are handed out; only then is the export whole.
    ///
    /// # Errors
    /// [`StoreError`] when the log can't be read on. What was handed out so far is right, but not all.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.slice.as_slice().is_empty() && !self.is_read {
            self.read().await?;
        }
        let mut chunk = Vec::new();
        match self.format {
            Format::Ndjson => self.write_lines(&mut chunk),
            // Memory takes everything. Should that ever change, a part of a table must not pass for the whole.
            Format::Csv => {
                self.write_records(&mut chunk).map_err(|error| StoreError::Failed(error.into()))?;
            }
        }
        self.is_begun = true;
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let filter = EventFilter { range: self.range, ..EventFilter::default() };
        let slice = Slice { order: Order::Ascending, after: self.after, limit: SLICE_EVENTS };
        let events = self.log.events(filter, slice).await?;
        self.is_read = events.len() < SLICE_EVENTS;
        if let Some(last) = events.last() {
            self.after = Some((last.get().at(), last.get().id()));
        }
        self.slice = events.into_iter();
        Ok(())
    }

    fn write_lines(&mut self, chunk: &mut Vec<u8>) {
        while chunk.len() < CHUNK_BYTES
            && let Some(event) = self.slice.next()
        {
            let start = chunk.len();
            event.get().write_json(chunk);
            without_line_breaks(&mut chunk[start..]);
            chunk.push(b'\n');
        }
    }

    fn write_records(&mut self, chunk: &mut Vec<u8>) -> Result<(), csv::Error> {
        let mut bytes = 0;
        let mut records = csv::Writer::from_writer(chunk);
        if !self.is_begun {
            records.write_record(COLUMNS)?;
        }
        while bytes < CHUNK_BYTES
            && let Some(event) = self.slice.next()
        {
            bytes += event.get().record().len();
            write_record(event.get(), &mut records)?;
        }
        records.flush()?;
        Ok(())
    }
}

fn write_record(event: EventRef<'_>, records: &mut csv::Writer<&mut Vec<u8>>) -> Result<(), csv::Error> {
    let mut properties = event.properties().as_bytes().to_vec();
    without_line_breaks(&mut properties);
    records.write_record([
        event.id().to_string().as_bytes(),
        event.user().unwrap_or_default().as_bytes(),
        event.event_type().as_bytes(),
        event.at().to_string().as_bytes(),
        &properties,
    ])
}

/// In JSON that is checked a bare line break is white space, which properties may hold, as they are kept as sent. In a
/// line of JSON it would end the event; in a table import would make the same of it.
fn without_line_breaks(json: &mut [u8]) {
    for byte in json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
}
