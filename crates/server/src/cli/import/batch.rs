//! Events on their way, with the places they came from.

use actix_web::web::Bytes;

/// Where an event stands in the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// Which of the files on the command line, counted from 0.
    pub(super) file: u32,
    /// Counted from 1.
    pub(super) line: u64,
}

/// A body for `POST /events`.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// Newline-delimited events.
    pub(super) body: Bytes,
    /// Where each of them came from.
    pub(super) origins: Vec<Origin>,
    /// Where each of them ends in the body.
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.origins.len()
    }

    /// The first half and the rest; a single event comes back as it is.
    pub(super) fn halve(self) -> Result<(Self, Self), Self> {
        let middle = self.len() / 2;
        if middle == 0 {
            return Err(self);
        }
        let cut = self.ends[middle - 1];
        let second = Self {
            body: self.body.slice(cut..),
            origins: self.origins[middle..].to_vec(),
            ends: self.ends[middle..].iter().map(|end| end - cut).collect(),
        };
        let first = Self {
            body: self.body.slice(..cut),
            origins: self.origins[..middle].to_vec(),
            ends: self.ends[..middle].to_vec(),
        };
        Ok((first, second))
    }
}

/// Collects events into batches of a bounded number of events and of bytes.
#[derive(Debug)]
pub(super) struct Batcher {
    max_events: usize,
    max_bytes: usize,
    body: Vec<u8>,
    origins: Vec<Origin>,
    ends: Vec<usize>,
}

impl Batcher {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { max_events, max_bytes, body: Vec::new(), origins: Vec::new(), ends: Vec::new() }
    }

    /// Adds an event; what was collected before comes back when it is full or would grow too large by this one. An event
    /// larger than a batch may be travels alone.
    pub(super) fn add(&mut self, origin: Origin, event: &[u8]) -> Option<Batch> {
        let is_full =
            self.origins.len() >= self.max_events || self.body.len() + event.len() >= self.max_bytes;
        let full = if is_full { self.take() } else { None };
        self.body.extend_from_slice(event);
        self.body.push(b'\n');
        self.ends.push(self.body.len());
        self.origins.push(origin);
        full
    }

    /// What is collected, if anything.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.origins.is_empty() {
            return None;
        }
        Some(Batch {
            body: Bytes::from(std::mem::take(&mut self.body)),
            origins: std::mem::take(&mut self.origins),
            ends: std::mem::take(&mut self.ends),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(line: u64) -> Origin {
        Origin { file: 0, line }
    }

    #[test]
    fn a_batch_is_bounded_by_events_and_by_bytes() {
        let mut batcher = Batcher::new(2, 10);
        assert!(batcher.add(origin(1), b"a").is_none());
        assert!(batcher.add(origin(2), b"b").is_none());
        assert_eq!(&batcher.add(origin(3), b"12345678").unwrap().body[..], b"a\nb\n");
        assert_eq!(&batcher.add(origin(4), b"c").unwrap().body[..], b"12345678\n");
        assert_eq!(&batcher.add(origin(5), b"longer than any batch").unwrap().body[..], b"c\n");
        let last = batcher.take().unwrap();
        assert_eq!((&last.body[..], last.origins), (&b"longer than any batch\n"[..], vec![origin(5)]));
        assert!(batcher.take().is_none());
    }

    #[test]
    fn halves_keep_every_event_with_its_origin() {
        let mut batcher = Batcher::new(10, 1000);
        for line in 1..=5 {
            batcher.add(origin(line), format!("event {line}").as_bytes());
        }
        let mut pending = vec![batcher.take().unwrap()];
        let mut single = Vec::new();
        while let Some(batch) = pending.pop() {
            match batch.halve() {
                Ok((first, second)) => pending.extend([second, first]),
                Err(batch) => {
                    single.push((batch.origins[0].line, String::from_utf8(batch.body.to_vec()).unwrap()));
                }
            }
        }
        let expected: Vec<_> = (1..=5).map(|line| (line, format!("event {line}\n"))).collect();
        assert_eq!(single, expected);
    }
}
