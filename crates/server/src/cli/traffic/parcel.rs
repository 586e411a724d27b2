//! What goes into one request, and what the answer says of it.

use actix_web::web::Bytes;
use footfall_domain::event::EventId;
use footfall_traffic::MailEvent;
use serde::Deserialize;

use crate::cli::client::{Answer, Client};
use crate::cli::verdict::{BatchAnswer, Figures, RejectedItem, Verdict};

const JSON: &str = "application/json";

/// One request's worth.
pub(super) struct Parcel {
    pub(super) content: Content,
    pub(super) items: usize,
}

/// What it is.
pub(super) enum Content {
    /// Newline-delimited events.
    Events(Bytes),
    /// One event.
    Event { id: EventId, body: Bytes },
    /// One mail, by the endpoints of domains.
    Mail(MailEvent),
    /// An array of memberships.
    Users(Bytes),
    /// One membership.
    User(Bytes),
}

/// What became of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Items that the server did not have.
    pub(super) new: u64,
    /// Items that it had.
    pub(super) known: u64,
    /// Items that it refused.
    pub(super) rejected: u64,
    /// Why the first of them.
    pub(super) why: Option<String>,
}

impl Outcome {
    const NEW: Self = Self { new: 1, known: 0, rejected: 0, why: None };
    const KNOWN: Self = Self { new: 0, known: 1, rejected: 0, why: None };

    fn of(figures: &impl Figures) -> Self {
        let [new, known, rejected] = figures.counts();
        Self { new, known, rejected, why: figures.errors().first().map(RejectedItem::reason) }
    }
}

/// The answer of `POST /users` to an array.
#[derive(Deserialize)]
struct UsersAnswer {
    created: u64,
    renewed: u64,
    rejected: u64,
    #[serde(default)]
    errors: Vec<RejectedItem>,
}

impl Figures for UsersAnswer {
    fn counts(&self) -> [u64; 3] {
        [self.created, self.renewed, self.rejected]
    }

    fn errors(&self) -> &[RejectedItem] {
        &self.errors
    }
}

/// The answer of `POST /events` to one event.
#[derive(Deserialize)]
struct EventAnswer {
    event_id: String,
    status: String,
}

impl Parcel {
    /// Sends it, once.
    pub(super) async fn send(&self, client: &Client) -> Verdict<Outcome> {
        let answer = match &self.content {
            Content::Events(body) => client.post_events(body.clone()).await,
            Content::Event { body, .. } => client.post("/events", JSON, body.clone()).await,
            Content::Mail(mail) => {
                let path = format!("/events/{}/{}", mail.domain(), mail.event_type());
                client.put(&path, &mail.id().to_string()).await
            }
            Content::Users(body) | Content::User(body) => client.post("/users", JSON, body.clone()).await,
        };
        match answer {
            Ok(answer) => self.verdict(&answer),
            Err(error) => Verdict::Later { after: None, why: error.to_string() },
        }
    }

    fn verdict(&self, answer: &Answer) -> Verdict<Outcome> {
        match (&self.content, answer.status.as_u16()) {
            (Content::Events(_), _) => batch::<BatchAnswer>(answer, self.items),
            (Content::Users(_), _) => batch::<UsersAnswer>(answer, self.items),
            (Content::Event { id, .. }, 200 | 201) => event(*id, answer),
            // This endpoint doesn't tell a key that it has seen from one that it hasn't.
            (Content::Mail(_), 204) | (Content::User(_), 201) => Verdict::Settled(Outcome::NEW),
            (Content::User(_), 200) => Verdict::Settled(Outcome::KNOWN),
            _ => Verdict::unsettled(answer),
        }
    }
}

fn batch<F: Figures>(answer: &Answer, items: usize) -> Verdict<Outcome> {
    match Verdict::<F>::of_batch(answer, items) {
        Verdict::Settled(figures) => Verdict::Settled(Outcome::of(&figures)),
        Verdict::TooLarge => Verdict::TooLarge,
        Verdict::Later { after, why } => Verdict::Later { after, why },
        Verdict::Refused(why) => Verdict::Refused(why),
    }
}

fn event(id: EventId, answer: &Answer) -> Verdict<Outcome> {
    let said = serde_json::from_slice::<EventAnswer>(&answer.body);
    let outcome =
        said.ok().filter(|said| EventId::parse(&said.event_id) == Some(id)).and_then(|said| {
            match (answer.status.as_u16(), &said.status[..]) {
                (201, "accepted") => Some(Outcome::NEW),
                (200, "duplicate") => Some(Outcome::KNOWN),
                _ => None,
            }
        });
    let misfit =
        || Verdict::Refused(format!("it answered {}, but not for event {id}", answer.status.as_u16()));
    outcome.map_or_else(misfit, Verdict::Settled)
}

#[cfg(test)]
mod tests {
    use awc::http::StatusCode;
    use footfall_traffic::{Mail, Seed};

    use super::*;

    const ID: &str = "20000000-0000-8000-8000-000000000001";

    fn verdict(content: Content, items: usize, status: u16, body: &str) -> Verdict<Outcome> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, retry_after: None, body: Bytes::copy_from_slice(body.as_bytes()) };
        Parcel { content, items }.verdict(&answer)
    }

    fn settled(new: u64, known: u64, rejected: u64, why: Option<&str>) -> Verdict<Outcome> {
        Verdict::Settled(Outcome { new, known, rejected, why: why.map(str::to_owned) })
    }

    #[test]
    fn batches_are_settled_by_figures_that_add_up() {
        let events = r#"{"accepted":1,"duplicates":2,"rejected":0,"errors":[]}"#;
        assert_eq!(verdict(Content::Events(Bytes::new()), 3, 200, events), settled(1, 2, 0, None));
        assert!(matches!(verdict(Content::Events(Bytes::new()), 4, 200, events), Verdict::Refused(_)));
        let users = r#"{"created":1,"renewed":1,"rejected":1,"errors":[{"index":2,"errors":[{"pointer":"/ID","code":"blank","message":"must not be blank"}]}]}"#;
        let why = Some("/ID: must not be blank (blank)");
        assert_eq!(verdict(Content::Users(Bytes::new()), 3, 200, users), settled(1, 1, 1, why));
        assert!(matches!(verdict(Content::Users(Bytes::new()), 3, 200, events), Verdict::Refused(_)));
        assert_eq!(verdict(Content::Users(Bytes::new()), 3, 413, ""), Verdict::TooLarge);
        assert!(matches!(verdict(Content::Users(Bytes::new()), 3, 503, ""), Verdict::Later { .. }));
        assert!(matches!(verdict(Content::Users(Bytes::new()), 3, 404, ""), Verdict::Refused(_)));
    }

    #[test]
    fn one_event_is_settled_by_its_own_identity() {
        let of = |status, body: &str| {
            let id = EventId::parse(ID).unwrap();
            verdict(Content::Event { id, body: Bytes::new() }, 1, status, body)
        };
        let said = |status: &str| format!(r#"{{"event_id":"{ID}","status":"{status}"}}"#);
        assert_eq!(of(201, &said("accepted")), Verdict::Settled(Outcome::NEW));
        assert_eq!(of(200, &said("duplicate")), Verdict::Settled(Outcome::KNOWN));
        let other = said("accepted").replace("001", "002");
        for (status, body) in [(200, &said("accepted")[..]), (201, &other), (201, ""), (422, ""), (204, "")] {
            assert!(matches!(of(status, body), Verdict::Refused(_)), "{status} {body}");
        }
    }

    #[test]
    fn mails_and_single_users_are_settled_by_the_status() {
        let mail = || Content::Mail(Mail::new(Seed::past(1), 1).draw());
        let user = || Content::User(Bytes::new());
        assert_eq!(verdict(mail(), 1, 204, ""), Verdict::Settled(Outcome::NEW));
        assert_eq!(verdict(user(), 1, 201, ""), Verdict::Settled(Outcome::NEW));
        assert_eq!(verdict(user(), 1, 200, ""), Verdict::Settled(Outcome::KNOWN));
        assert!(matches!(verdict(mail(), 1, 200, ""), Verdict::Refused(_)));
        assert!(matches!(verdict(user(), 1, 204, ""), Verdict::Refused(_)));
        assert!(matches!(verdict(mail(), 1, 429, ""), Verdict::Later { .. }));
    }
}
