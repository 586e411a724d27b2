//! Reads the inputs in order, makes events of their lines and hands them on in batches. All of it blocks, so it runs on a
//! thread of its own; memory is bounded by the batches on their way and the longest line, but for [`LineIds`].

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use footfall_import_formats::{LineIds, Scope, Site, Unreadable, access_log, csv, ndjson};
use tokio::sync::{mpsc, watch};

use super::ImportError;
use super::batch::{Batch, Batcher, Origin};
use super::format::Format;
use super::report::Report;
use super::source::{Line, Source, next_line};

/// The inputs and how to understand them.
#[derive(Clone)]
pub(super) struct Inputs {
    pub(super) files: Vec<PathBuf>,
    /// For all of them; else each one is looked at.
    pub(super) format: Option<Format>,
    pub(super) site: Option<Site>,
}

/// Why the reading of a file ended before its end.
enum Halt {
    /// The run was stopped.
    Stopped,
    /// The rest of the file can't be read.
    Unreadable { line: Option<u64>, why: io::Error },
    /// What the file holds isn't a table of events.
    Header(String),
}

impl Inputs {
    /// Finds out before anything is sent whether each file can be opened, and each CSV header understood. Pipes are left
    /// alone: what is read from them is gone.
    ///
    /// # Errors
    /// The first trouble found.
    pub(super) fn check(&self) -> Result<(), ImportError> {
        let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
        if self.files.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(ImportError::StandardInputTwice);
        }
        for path in self.files.iter().filter(|path| !is_stdin(path)) {
            let file = || path.display().to_string();
            let unopened = |source| ImportError::File { file: file(), source };
            if !fs::metadata(path).map_err(unopened)?.is_file() {
                continue;
            }
            let source = Source::open(path, &Arc::default()).map_err(unopened)?;
            if self.format_of(path, &source) == Format::Csv {
                match read_header(&mut csv::Records::new(source.reader)) {
                    Ok(_) | Err(Halt::Stopped) => {}
                    Err(Halt::Unreadable { why, .. }) => return Err(unopened(why)),
                    Err(Halt::Header(why)) => return Err(ImportError::Header { file: file(), why }),
                }
            }
        }
        Ok(())
    }

    /// The inputs' sizes together, when all of them are files.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        let size =
            |path: &PathBuf| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|found| found.len());
        self.files.iter().map(size).sum()
    }

    /// Reads everything. A file that breaks off is reported and the next one gone on with.
    ///
    /// # Errors
    /// When a pipe turns out to hold a CSV file with a header that isn't understood.
    pub(super) fn read(&self, pump: &mut Pump) -> Result<(), ImportError> {
        for (file, path) in (0..).zip(&self.files) {
            match self.read_file(file, path, pump) {
                Ok(()) => {}
                Err(Halt::Stopped) => return Ok(()),
                Err(Halt::Unreadable { line, why }) => pump.report.file_failed(file, line, &why),
                Err(Halt::Header(why)) => {
                    return Err(ImportError::Header { file: path.display().to_string(), why });
                }
            }
        }
        // Stopped or not, there is nothing more to come.
        let _ = pump.flush();
        Ok(())
    }

    fn read_file(&self, file: u32, path: &Path, pump: &mut Pump) -> Result<(), Halt> {
        let source = Source::open(path, &pump.report.bytes_read)
            .map_err(|why| Halt::Unreadable { line: None, why })?;
        match self.format_of(path, &source) {
            Format::Ndjson => {
                let scope = Scope::new("ndjson", "");
                read_lines(file, source.reader, ndjson::MAX_LINE_BYTES, pump, |line, ids, out| {
                    ndjson::write_event(line, |line| ids.next(scope, line), out)
                })
            }
            Format::AccessLog => {
                let site = self.site.as_ref();
                let scope = Scope::new("access-log", site.map_or("", Site::as_str));
                read_lines(file, source.reader, access_log::MAX_LINE_BYTES, pump, |line, ids, out| {
                    access_log::write_event(line, site, |line| ids.next(scope, line), out)
                })
            }
            Format::Csv => read_records(file, source.reader, pump),
        }
    }

    fn format_of(&self, path: &Path, source: &Source) -> Format {
        self.format.or_else(|| Format::of_name(path)).unwrap_or_else(|| Format::of_content(&source.head))
    }
}

fn read_lines(
    file: u32,
    mut reader: impl BufRead,
    max_bytes: usize,
    pump: &mut Pump,
    write_event: impl Fn(&[u8], &mut LineIds, &mut Vec<u8>) -> Result<(), Unreadable>,
) -> Result<(), Halt> {
    let mut line = Vec::new();
    for number in 1.. {
        let origin = Origin { file, line: number };
        let broken = |why| Halt::Unreadable { line: Some(number), why };
        match next_line(&mut reader, max_bytes, &mut line).map_err(broken)? {
            Line::End => break,
            Line::TooLong => pump.add(origin, |_, _| Err(Unreadable::TooLong { limit: max_bytes }))?,
            Line::Whole if line.trim_ascii().is_empty() => {}
            Line::Whole => pump.add(origin, |ids, out| write_event(&line, ids, out))?,
        }
    }
    Ok(())
}

fn read_records(file: u32, reader: impl BufRead, pump: &mut Pump) -> Result<(), Halt> {
    let scope = Scope::new("csv", "");
    let mut records = csv::Records::new(reader);
    let Some(header) = read_header(&mut records)? else { return Ok(()) };
    let mut record = csv::ByteRecord::new();
    while let Some(line) = read_record(&mut records, &mut record)? {
        pump.add(Origin { file, line }, |ids, out| {
            header.write_event(&record, |id| ids.next(scope, id), out)
        })?;
    }
    Ok(())
}

/// The header, or `None` when the file is empty.
fn read_header<R: io::Read>(records: &mut csv::Records<R>) -> Result<Option<csv::Header>, Halt> {
    let mut record = csv::ByteRecord::new();
    match read_record(records, &mut record)? {
        Some(_) => csv::Header::parse(&record).map(Some).map_err(Halt::Header),
        None => Ok(None),
    }
}

fn read_record<R: io::Read>(
    records: &mut csv::Records<R>,
    record: &mut csv::ByteRecord,
) -> Result<Option<u64>, Halt> {
    records.read(record).map_err(|why| Halt::Unreadable { line: Some(records.next_line()), why })
}

/// Where events go in, and batches come out at the other end.
pub(super) struct Pump {
    pub(super) report: Arc<Report>,
    batcher: Batcher,
    ids: LineIds,
    outlet: mpsc::Sender<Batch>,
    stop: watch::Receiver<bool>,
    event: Vec<u8>,
}

impl Pump {
    pub(super) fn new(
        report: Arc<Report>,
        batcher: Batcher,
        outlet: mpsc::Sender<Batch>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { report, batcher, ids: LineIds::default(), outlet, stop, event: Vec::new() }
    }

    /// Counts a line and adds the event that `write` makes of it, or names it as unreadable. Waits while all connections
    /// are busy.
    fn add(
        &mut self,
        origin: Origin,
        write: impl FnOnce(&mut LineIds, &mut Vec<u8>) -> Result<(), Unreadable>,
    ) -> Result<(), Halt> {
        if *self.stop.borrow() {
            return Err(Halt::Stopped);
        }
        self.report.line_read();
        self.event.clear();
        match write(&mut self.ids, &mut self.event) {
            Ok(()) => match self.batcher.add(origin, &self.event) {
                Some(batch) => self.pass_on(batch),
                None => Ok(()),
            },
            Err(why) => {
                self.report.unreadable(origin, &why);
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), Halt> {
        self.batcher.take().map_or(Ok(()), |batch| self.pass_on(batch))
    }

    fn pass_on(&self, batch: Batch) -> Result<(), Halt> {
        // No one takes batches any more once the senders are gone.
        self.outlet.blocking_send(batch).map_err(|_| Halt::Stopped)
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
