//! What is sent: whole HTTP requests as bytes, with the places in which the next one differs.

use std::net::SocketAddr;

/// Domains that single mails go to.
pub const DOMAINS: u32 = 8_000;

// Placeholders, each overwritten by as many bytes. The hyphens and the letter `Z` stay.
pub(super) const ID: &str = "00000000-0000-4000-8000-000000000000";
const USER: &str = "user-0000000";
pub(super) const TIME: &str = "2000-01-01T00:00:00.000000Z";
const NUMBERED: [&str; 2] = ["products/0000", "sku-0000"];
const DOMAIN: &str = "mail-0000.example.com";
const NEW_DOMAIN: &str = "mail-000000-000000.example.com";

/// One kind of event: how many of a hundred are of it, and its `event_type` and `properties`.
pub(super) struct Kind {
    pub(super) percent: u32,
    event_type: &'static str,
    properties: &'static str,
}

pub(super) const KINDS: [Kind; 4] = [
    Kind {
        percent: 70,
        event_type: "page_view",
        properties: r#"{"page":"https://shop.example.com/products/0000","referrer":"https://www.example.org/search","title":"Espresso machines","screen":"1920x1080"}"#,
    },
    Kind {
        percent: 20,
        event_type: "click",
        properties: r#"{"page":"https://shop.example.com/products/0000","element":"button#add-to-cart","x":812,"y":344,"screen":"1920x1080"}"#,
    },
    Kind {
        percent: 7,
        event_type: "purchase",
        properties: r#"{"product_id":"sku-0000","amount":149.95,"currency":"EUR","quantity":1,"payment":"card","coupon":null}"#,
    },
    Kind {
        percent: 3,
        event_type: "signup",
        properties: r#"{"plan":"free","referrer":"https://www.example.org/search","newsletter":true,"locale":"en-GB"}"#,
    },
];

/// What the events of a batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// As of a shop: page views, clicks, purchases and sign-ups.
    Mixed,
    /// Mails that were delivered, each to a domain of its own.
    Mails,
}

/// What one request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// One event, as an object.
    Single,
    /// So many events, as an array.
    Batch(u32, Events),
    /// One mail to one of [`DOMAINS`], told by the path.
    Mail,
    /// A question for the segments' counts, and how many bytes the answer has.
    Counts(usize),
}

impl Load {
    /// Events in a request, or questions.
    pub fn events(self) -> u64 {
        match self {
            Self::Single | Self::Mail | Self::Counts(_) => 1,
            Self::Batch(events, _) => u64::from(events),
        }
    }
}

/// Where the changing parts of one event begin in the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    pub(super) id: usize,
    /// The seven digits of the user; a mail has none.
    pub(super) user: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) number: Option<Number>,
}

/// The digits of what an event is about; a sign-up has none.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// Four of a page or a product.
    Page(usize),
    /// Four of one of [`DOMAINS`].
    Domain(usize),
    /// Six, a hyphen and six: a domain that was not met before.
    NewDomain(usize),
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) slots: Vec<Slots>,
}

/// An event of some kind, as JSON.
pub(super) fn event(kind: &Kind) -> String {
    let Kind { event_type, properties, .. } = kind;
    format!(
        r#"{{"event_id":"{ID}","user_id":"{USER}","event_type":"{event_type}","timestamp":"{TIME}","properties":{properties}}}"#
    )
}

/// A mail that was delivered, as JSON.
pub(super) fn mail_event() -> String {
    format!(
        r#"{{"event_id":"{ID}","event_type":"delivered","timestamp":"{TIME}","properties":{{"domain":"{NEW_DOMAIN}"}}}}"#
    )
}

/// Events that are posted.
pub(super) fn post(address: SocketAddr, body: &str) -> Request {
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let slots = body
        .match_indices(ID)
        .map(|(start, _)| {
            // An event's parts lie between its identifier and the next event's.
            let rest = &body[start + ID.len()..];
            let rest = &rest[..rest.find(ID).unwrap_or(rest.len())];
            let id = head.len() + start;
            let offset = |part: &str| rest.find(part).map(|at| id + ID.len() + at);
            let page = |part: &&str| offset(part).map(|at| Number::Page(at + part.len() - 4));
            let new_domain = offset(NEW_DOMAIN).map(|at| Number::NewDomain(at + "mail-".len()));
            Slots {
                id,
                user: offset(USER).map(|at| at + USER.len() - 7),
                time: offset(TIME),
                number: NUMBERED.iter().find_map(page).or(new_domain),
            }
        })
        .collect();
    Request { bytes: (head + body).into_bytes(), slots }
}

/// A mail told by the path: what became of it is the path's last part.
pub(super) fn put_mail(address: SocketAddr, outcome: &str) -> Request {
    let (start, key) = ("PUT /events/mail-", "Idempotency-Key: ");
    let head = format!("PUT /events/{DOMAIN}/{outcome} HTTP/1.1\r\nHost: {address}\r\n{key}");
    let slots = Slots { id: head.len(), user: None, time: None, number: Some(Number::Domain(start.len())) };
    Request { bytes: format!("{head}{ID}\r\n\r\n").into_bytes(), slots: vec![slots] }
}

/// A question.
pub(super) fn get(address: SocketAddr, path: &str) -> Request {
    Request {
        bytes: format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes(),
        slots: Vec::new(),
    }
}

/// The name of one of the domains that single mails go to.
pub(super) fn domain_name(number: u32) -> String {
    format!("mail-{number:04}.example.com")
}
