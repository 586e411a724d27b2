//! Comma-separated events: a header row that names the columns, then one event per record. Cells may be quoted and hold
//! commas and line breaks; an empty cell is an absent member.
//!
//! The columns are the event's members, `properties` holding JSON text, which is what export writes. For hand-made files
//! the properties that the built-in event types need have columns of their own.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::{self, Read};

pub use ::csv::ByteRecord;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::json;
use crate::unreadable::Unreadable;

/// The longest record, in bytes. A quote that is never closed would make one record of all the rest.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// A member of the event whose value is a string.
    Member(&'static str),
    Properties,
    /// A property whose value is a string.
    Property(&'static str),
    Amount,
}

/// Every column there is, in the order that a refusal lists them.
const COLUMNS: [(&str, Column); 9] = [
    ("event_id", Column::Member("event_id")),
    ("user_id", Column::Member("user_id")),
    ("event_type", Column::Member("event_type")),
    ("timestamp", Column::Member("timestamp")),
    ("properties", Column::Properties),
    ("page", Column::Property("page")),
    ("domain", Column::Property("domain")),
    ("product_id", Column::Property("product_id")),
    ("amount", Column::Amount),
];

/// The properties that may come from a column, so that one stated twice is noticed.
#[derive(Deserialize)]
struct Stated<'a> {
    #[serde(borrow, default, deserialize_with = "json::present")]
    page: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    domain: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    product_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    amount: Option<&'a RawValue>,
}

/// The header, understood.
#[derive(Debug)]
pub struct Header(Vec<(&'static str, Column)>);

impl Header {
    /// # Errors
    /// A sentence, when a column is unknown or named twice or `event_type` is missing.
    pub fn parse(record: &ByteRecord) -> Result<Self, String> {
        let mut columns = Vec::with_capacity(record.len());
        for name in record {
            let name = String::from_utf8_lossy(name.trim_ascii());
            let Some(&column) = COLUMNS.iter().find(|(known, _)| *known == name) else {
                let known = COLUMNS.map(|(known, _)| known).join(", ");
                return Err(format!("no column is called `{}`; there are {known}", name.escape_debug()));
            };
            if columns.contains(&column) {
                return Err(format!("the column `{name}` stands there twice"));
            }
            columns.push(column);
        }
        if !columns.iter().any(|(name, _)| *name == "event_type") {
            return Err("the header row has no column `event_type`".to_owned());
        }
        Ok(Self(columns))
    }

    /// Appends the event of `record` to `out`, with an id of `fresh_id` when it has none. The id is made of the columns'
    /// names and the cells, so quoting and line ends don't matter to it.
    ///
    /// # Errors
    /// When the record can't be made JSON; `out` is as it was then.
    pub fn write_event(
        &self,
        record: &ByteRecord,
        fresh_id: impl FnOnce(&[u8]) -> Uuid,
        out: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        if record.len() != self.0.len() {
            return Err(Unreadable::FieldCount { found: record.len(), expected: self.0.len() });
        }
        let (mut members, mut properties) = (Members::default(), Members::default());
        let mut properties_text = "{}";
        for (&(name, column), cell) in self.0.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
            let cell = std::str::from_utf8(cell).map_err(|_| Unreadable::NotUtf8)?;
            match column {
                Column::Member(_) => members.string(name, cell),
                Column::Property(_) => properties.string(name, cell),
                Column::Amount => properties.number(name, cell.trim_ascii())?,
                Column::Properties => properties_text = cell.trim_ascii(),
            }
        }
        let has_properties = properties_text != "{}" || !properties.text.is_empty();
        let stated = json::object(properties_text).map_err(Unreadable::PropertiesNotAnObject)?;
        properties.check_against(&stated)?;

        let start = out.len();
        if !members.names.contains(&"event_id") {
            let id = fresh_id(&self.identity(record));
            members.string("event_id", &id.to_string());
        }
        out.push(b'{');
        out.extend_from_slice(members.text.as_bytes());
        if has_properties {
            out.extend_from_slice(br#","properties":"#);
            json::write_with_member(properties_text, &properties.text, out);
        }
        out.push(b'}');
        // Within checked JSON a bare line break is white space; here it would end the event.
        for byte in out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        Ok(())
    }

    /// Names and cells with their lengths, so that no two records look the same; absent ones left out.
    fn identity(&self, record: &ByteRecord) -> Vec<u8> {
        let mut identity = Vec::with_capacity(record.as_slice().len() + 16 * self.0.len());
        for ((name, _), cell) in self.0.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
            identity.extend_from_slice(format!("{name}:{}:", cell.len()).as_bytes());
            identity.extend_from_slice(cell);
        }
        identity
    }
}

/// Members of a JSON object, as text without the braces.
#[derive(Default)]
struct Members {
    text: String,
    names: Vec<&'static str>,
}

impl Members {
    fn string(&mut self, name: &'static str, value: &str) {
        self.add(name, &serde_json::Value::from(value).to_string());
    }

    fn number(&mut self, name: &'static str, value: &str) -> Result<(), Unreadable> {
        // The digits are sent as they stand: a price is not to pass through a double.
        serde_json::from_str::<serde_json::Number>(value).map_err(|_| Unreadable::AmountNotANumber)?;
        self.add(name, value);
        Ok(())
    }

    fn add(&mut self, name: &'static str, json: &str) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        // Writing to a string can't fail.
        let _ = write!(self.text, "\"{name}\":{json}");
        self.names.push(name);
    }

    fn check_against(&self, stated: &Stated<'_>) -> Result<(), Unreadable> {
        let in_text = [
            ("page", stated.page),
            ("domain", stated.domain),
            ("product_id", stated.product_id),
            ("amount", stated.amount),
        ];
        match in_text.iter().find(|(name, value)| value.is_some() && self.names.contains(name)) {
            Some((name, _)) => Err(Unreadable::StatedTwice(name)),
            None => Ok(()),
        }
    }
}

/// Records with the number of the line each begins on.
pub struct Records<R> {
    reader: ::csv::Reader<Watched<R>>,
    /// The line after the last record.
    next_line: u64,
}

impl<R: Read> Records<R> {
    /// Reads from there on; the header is the first record.
    pub fn new(reader: R) -> Self {
        let watched = Watched {
            inner: reader,
            budget: 0,
            offset: 0,
            is_at_end: false,
            newlines_before: 0,
            newlines: VecDeque::new(),
        };
        let reader = ::csv::ReaderBuilder::new()
            // A record of another length is for `Header` to name, and no reason to stop.
            .flexible(true)
            .has_headers(false)
            .from_reader(watched);
        Self { reader, next_line: 1 }
    }

    /// Reads the next record into `record` and says on which line it begins, counted from 1; `None` at the end.
    ///
    /// # Errors
    /// When the input can't be read, or the record is longer than [`MAX_RECORD_BYTES`]: there is no going on after either.
    pub fn read(&mut self, record: &mut ByteRecord) -> io::Result<Option<u64>> {
        self.reader.get_mut().budget = MAX_RECORD_BYTES;
        if !self.reader.read_byte_record(record)? {
            return Ok(None);
        }
        // After the line feed that ends the record, or before it when a carriage return is in between: csv's own count of
        // lines is one too low then, and leaves out blank lines.
        // Where the input ends instead, within a quote that was never closed, its last line feed is the record's own.
        let end = self.reader.position().byte();
        let end = if self.reader.get_ref().is_at_end { end } else { end.saturating_sub(1) };
        let last_line = 1 + self.reader.get_mut().newlines_until(end);
        self.next_line = last_line + 1;
        Ok(Some(last_line - newlines_in(record.as_slice())))
    }

    /// The line on which to look for what [`Records::read`] failed at.
    pub fn next_line(&self) -> u64 {
        self.next_line
    }
}

fn newlines_in(text: &[u8]) -> u64 {
    text.split(|&byte| byte == b'\n').count() as u64 - 1
}

/// Knows where the lines end, and refuses to read on when more was read for one record than it may have.
struct Watched<R> {
    inner: R,
    /// What may still be read for this record.
    budget: usize,
    /// How much was read.
    offset: u64,
    /// Whether more was asked for than there is.
    is_at_end: bool,
    /// Where the line feeds are that csv has read ahead, and how many there were before them.
    newlines: VecDeque<u64>,
    newlines_before: u64,
}

impl<R> Watched<R> {
    /// How many line feeds there are before `offset`, which doesn't become less from call to call.
    fn newlines_until(&mut self, offset: u64) -> u64 {
        while self.newlines.pop_front_if(|newline| *newline < offset).is_some() {
            self.newlines_before += 1;
        }
        self.newlines_before
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.budget == 0 {
            return Err(io::Error::other(format!(
                "a record longer than {MAX_RECORD_BYTES} bytes begins here, perhaps by a quote that is never closed"
            )));
        }
        let count = self.inner.read(buffer)?;
        self.is_at_end = count == 0;
        let ends = buffer[..count].iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
        self.newlines.extend(ends.map(|(at, _)| self.offset + at as u64));
        self.offset += count as u64;
        self.budget = self.budget.saturating_sub(count);
        Ok(count)
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
