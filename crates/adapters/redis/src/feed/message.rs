//! What instances send each other.
//!
//! ```text
//! version 1 │ instance 8 │ number of the first event 8 │ a block of event-blocks, at that number
//! ```
//!
//! Numbers are little-endian. An instance numbers the events that it has accepted since its start, also those that it couldn't
//! send: so whoever gets the next ones knows how many are missing.

use std::sync::Arc;

use footfall_domain::event::{EventBatch, EventRef};
use footfall_event_blocks::block::{Block, Packing, pack_all};
use footfall_ports::Accepted;

const VERSION: u8 = 1;
const HEAD: usize = 17;

/// A message, read as far as its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) instance: u64,
    /// The number of the first event.
    pub(crate) first: u64,
}

/// The messages for some events, of which the first has that number.
pub(crate) fn write(instance: u64, mut first: u64, accepted: &[Accepted]) -> Vec<Vec<u8>> {
    let records = accepted.iter().flat_map(|accepted| accepted.iter().map(EventRef::record));
    let message = |block: footfall_event_blocks::block::PackedBlock| {
        let at = first;
        first += block.events();
        let mut message = vec![VERSION];
        message.extend_from_slice(&instance.to_le_bytes());
        message.extend_from_slice(&at.to_le_bytes());
        message.extend_from_slice(&block.at(at));
        message
    };
    pack_all(records, Packing::Sent).into_iter().map(message).collect()
}

/// Who sent it. `None` when it is no message of this version.
pub(crate) fn head(message: &[u8]) -> Option<Head> {
    if *message.first()? != VERSION || message.len() < HEAD {
        return None;
    }
    let number = |at: usize| message[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    Some(Head { instance: number(1)?, first: number(9)? })
}

/// The events, and the number after the last one's. `None` when they can't be read.
pub(crate) fn events(head: Head, message: &[u8]) -> Option<(Accepted, u64)> {
    let block = Block::read(head.first, message.get(HEAD..)?).ok()?;
    let mut batch = EventBatch::with_capacity((block.past() - block.first()) as usize, block.bytes());
    (block.first()..block.past()).filter_map(|at| block.event(at)).for_each(|event| batch.push_record(event));
    Some((Accepted::all(Arc::new(batch))?, block.past()))
}

#[cfg(test)]
mod tests {
    use footfall_domain::event::{EventId, EventParts, Subject};
    use footfall_domain::time::Timestamp;

    use super::*;

    fn accepted(events: u16) -> Accepted {
        let mut batch = EventBatch::default();
        for number in 0..events {
            let mut id = [7; 16];
            id[..2].copy_from_slice(&number.to_be_bytes());
            batch.push(&EventParts {
                id: EventId::from_bytes(id),
                at: Timestamp::MIN,
                event_type: "page_view",
                user: Some("ann"),
                subject: Subject::Page("/home"),
                properties: r#"{"page":"/home"}"#,
            });
        }
        Accepted::all(Arc::new(batch)).unwrap()
    }

    #[test]
    fn events_arrive_as_they_were_in_messages_that_follow_each_other() {
        let sent = [accepted(3), accepted(700)];
        let messages = write(9, 100, &sent);
        let (mut next, mut arrived) = (100, Vec::new());
        for message in &messages {
            let head = head(message).unwrap();
            assert_eq!(head, Head { instance: 9, first: next });
            let (events, past) = events(head, message).unwrap();
            arrived.extend(events.iter().map(|event| event.record().to_vec()));
            next = past;
        }
        assert_eq!((next, messages.len()), (803, 2));
        let sent: Vec<_> =
            sent.iter().flat_map(|sent| sent.iter().map(|event| event.record().to_vec())).collect();
        assert_eq!(arrived, sent);
    }

    #[test]
    fn what_is_no_message_is_not_read() {
        let message = &write(9, 100, &[accepted(3)])[0];
        assert_eq!(head(b""), None);
        assert_eq!(head(&message[..16]), None);
        assert_eq!(head(&[b"\x02", &message[1..]].concat()), None);
        let known = head(message).unwrap();
        for length in 0..message.len() {
            assert!(events(known, &message[..length]).is_none(), "{length} bytes");
        }
        assert!(events(Head { first: 101, ..known }, message).is_none(), "in another's place");
    }
}
