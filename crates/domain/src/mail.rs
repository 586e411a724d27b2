//! A mail that was delivered or that bounced, told without a body: `PUT /events/{domain}/delivered`.

use crate::event::{EventBatch, EventId, EventParts, Subject};
use crate::host::{DomainError, normalise_domain};
use crate::types::{BOUNCED, DELIVERED};
use crate::validate::Receipt;

/// What became of a mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mail {
    /// It was delivered.
    Delivered,
    /// It bounced.
    Bounced,
}

impl Mail {
    /// The type of the event that says so.
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Delivered => DELIVERED,
            Self::Bounced => BOUNCED,
        }
    }

    /// Makes the event, of that identity or a new one, and adds it to the batch.
    ///
    /// # Errors
    /// Where the domain is no host name.
    pub fn event(
        self,
        domain: &str,
        id: Option<EventId>,
        receipt: &mut Receipt<'_>,
        batch: &mut EventBatch,
    ) -> Result<EventId, DomainError> {
        let domain = normalise_domain(domain)?;
        let properties = format!(r#"{{"domain":"{domain}"}}"#);
        let id = id.unwrap_or_else(|| (receipt.new_id)());
        batch.push(&EventParts {
            id,
            at: receipt.now,
            event_type: self.event_type(),
            user: None,
            subject: Subject::Domain(&domain),
            properties: &properties,
        });
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_mail_is_an_event_of_its_domain() {
        let id = EventId::from_bytes([7; 16]);
        let mut batch = EventBatch::default();
        let mut new_id = || id;
        let now = Timestamp::from_micros_clamped(5);
        let mut receipt = Receipt { now, oldest: Timestamp::MIN, new_id: &mut new_id };
        assert_eq!(Mail::Bounced.event("Bücher.Example", None, &mut receipt, &mut batch), Ok(id));
        let event = batch.get(0);
        assert_eq!(event.subject(), Subject::Domain("xn--bcher-kva.example"));
        assert_eq!((event.event_type(), event.user(), event.at()), ("bounced", None, now));
        assert_eq!(event.properties(), r#"{"domain":"xn--bcher-kva.example"}"#);
        assert!(Mail::Delivered.event("no host", None, &mut receipt, &mut batch).is_err());
    }
}
