//! From JSON text to a valid event, or to everything that is wrong with it.

use std::borrow::Cow;

use crate::event::{
    EventBatch, EventId, EventParts, PROPERTIES_MAX_BYTES, PROPERTIES_MAX_DEPTH, Subject, USER_MAX_CHARS,
};
use crate::host::normalise_domain;
use crate::json::{Findings, Kind, Malformed, Scanner, Token};
use crate::page::{PageError, PageRules};
use crate::problem::{Code, FieldError};
use crate::time::{HOUR_US, Timestamp};
use crate::types::{EventTypes, PAGE_VIEW, Rule};

/// How far in the future an event may say that it happened.
const FUTURE_MAX_US: i64 = 24 * HOUR_US;

/// Most errors told of one event: an answer must not outgrow its question.
pub(crate) const ERRORS_MAX: usize = 20;

/// What events are checked against, the same for all requests.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The registered event types.
    pub types: EventTypes,
    /// What makes two URLs one page.
    pub pages: PageRules,
}

/// When and by whom events are received.
pub struct Receipt<'a> {
    /// The time of receipt: an event's time where it has none of its own.
    pub now: Timestamp,
    /// The earliest time that is still kept; older events are refused.
    pub oldest: Timestamp,
    /// Makes an identity for an event that has none.
    pub new_id: &'a mut dyn FnMut() -> EventId,
}

/// An event's members as they stand in the JSON, read in one pass and not judged yet.
#[derive(Default)]
pub struct Envelope<'a> {
    event_id: Option<Token<'a>>,
    user_id: Option<Token<'a>>,
    event_type: Option<Token<'a>>,
    timestamp: Option<Token<'a>>,
    properties: Option<Token<'a>>,
    asked: Asked<'a>,
    depth: usize,
    not_an_object: bool,
    /// Errors of form; further checks are made all the same, so that a client learns of everything at once.
    errors: Vec<FieldError>,
}

/// The members of the properties that a built-in rule asks about.
#[derive(Default)]
struct Asked<'a> {
    page: Option<Token<'a>>,
    amount: Option<Token<'a>>,
    product_id: Option<Token<'a>>,
    domain: Option<Token<'a>>,
}

impl<'a> Envelope<'a> {
    /// Reads the value that is next, whatever it is.
    ///
    /// # Errors
    /// Only where the text is not JSON; what is JSON but no event is told by [`Envelope::validate`].
    pub fn read(scanner: &mut Scanner<'a>) -> Result<Self, Malformed> {
        let mut envelope = Self::default();
        if scanner.peek() == b'{' {
            scanner.object(|scanner, key| envelope.member(scanner, key))?;
        } else {
            scanner.value()?;
            scanner.take_findings();
            envelope.not_an_object = true;
        }
        Ok(envelope)
    }

    /// The event's identity as the client wrote it, for naming it in an answer.
    pub fn event_id_as_sent(&self) -> Option<&'a str> {
        self.event_id.filter(|token| token.kind == Kind::String).map(|token| token.raw)
    }

    fn member(&mut self, scanner: &mut Scanner<'a>, key: Token<'a>) -> Result<(), Malformed> {
        let name = key.name();
        let slot = match &*name {
            "event_id" => &mut self.event_id,
            "user_id" => &mut self.user_id,
            "event_type" => &mut self.event_type,
            "timestamp" => &mut self.timestamp,
            "properties" => &mut self.properties,
            _ => {
                // Not a member of an event: ignored, but it must not smuggle in what no store can keep.
                scanner.value()?;
                self.note(scanner.take_findings(), "");
                return Ok(());
            }
        };
        let pointer = pointer_of(&name);
        if slot.is_some() {
            scanner.value()?;
            scanner.take_findings();
            self.found(FieldError::new(pointer, Code::DuplicateMember, "stands twice in the event"));
            return Ok(());
        }
        if pointer == "/properties" && scanner.peek() == b'{' {
            let (asked, errors) = (&mut self.asked, &mut self.errors);
            *slot = Some(scanner.object_members(|key, value| asked.keep(key, value, errors))?);
        } else {
            *slot = Some(scanner.value()?).filter(|token| token.kind != Kind::Null);
        }
        let findings = scanner.take_findings();
        if pointer == "/properties" {
            self.depth = findings.depth;
        }
        self.note(findings, pointer);
        Ok(())
    }

    fn found(&mut self, error: FieldError) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        }
    }

    fn note(&mut self, findings: Findings, pointer: &'static str) {
        if findings.nul {
            self.found(FieldError::new(pointer, Code::NulCharacter, "holds a NUL character (\\u0000)"));
        }
        // Members that are decoded tell of it themselves.
        if findings.lone_surrogate && matches!(pointer, "" | "/properties") {
            self.found(FieldError::new(pointer, Code::LoneSurrogate, "holds half of a surrogate pair"));
        }
    }

    /// Judges the event and, where it is valid, adds it to the batch and gives its identity.
    ///
    /// # Errors
    /// Everything that is wrong with it; the batch is as before.
    pub fn validate(
        self,
        rules: &Rules,
        receipt: &mut Receipt<'_>,
        batch: &mut EventBatch,
    ) -> Result<EventId, Vec<FieldError>> {
        if self.not_an_object {
            return Err(vec![FieldError::new("", Code::WrongType, "an event is a JSON object")]);
        }
        let mut errors = self.errors;
        let id = self.event_id.map_or(Ok(None), |token| event_id(token).map(Some));
        let at = self.timestamp.map_or(Ok(receipt.now), |token| timestamp(token, receipt));
        let user = self.user_id.map_or(Ok(None), |token| user(token).map(Some));
        let event_type = event_type(self.event_type);
        let properties = properties(self.properties, self.depth);
        let mut subject = Ok(CowSubject::None);
        if let Ok(name) = &event_type {
            match rules.types.get(name) {
                None => errors.push(FieldError::new(
                    "/event_type",
                    Code::UnknownEventType,
                    format!("`{name}` is not a registered event type"),
                )),
                Some(event_type) => {
                    if event_type.user_required && matches!(user, Ok(None)) {
                        errors.push(required("/user_id"));
                    }
                    if let Ok(properties) = properties {
                        subject = self.asked.check(&event_type.rule, properties, &rules.pages);
                    }
                }
            }
        }
        match (id, at, user, event_type, properties, subject) {
            (Ok(id), Ok(at), Ok(user), Ok(event_type), Ok(properties), Ok(subject)) if errors.is_empty() => {
                let id = id.unwrap_or_else(|| (receipt.new_id)());
                let subject = subject.borrow();
                let user = user.as_deref();
                batch.push(&EventParts { id, at, event_type: &event_type, user, subject, properties });
                Ok(id)
            }
            (id, at, user, event_type, properties, subject) => {
                errors.extend(id.err());
                errors.extend(user.err());
                errors.extend(event_type.err());
                errors.extend(at.err());
                errors.extend(properties.err());
                errors.extend(subject.err().into_iter().flatten());
                errors.truncate(ERRORS_MAX);
                Err(errors)
            }
        }
    }
}

impl<'a> Asked<'a> {
    fn keep(&mut self, key: Token<'a>, value: Token<'a>, errors: &mut Vec<FieldError>) {
        let (slot, pointer) = match &*key.name() {
            "page" => (&mut self.page, "/properties/page"),
            "amount" => (&mut self.amount, "/properties/amount"),
            "product_id" => (&mut self.product_id, "/properties/product_id"),
            "domain" => (&mut self.domain, "/properties/domain"),
            _ => return,
        };
        if slot.is_some() && errors.len() < ERRORS_MAX {
            errors.push(FieldError::new(pointer, Code::DuplicateMember, "stands twice in the properties"));
        }
        *slot = Some(value);
    }

    /// Checks the properties by the type's rule and says what the event is about.
    fn check(
        &self,
        rule: &Rule,
        properties: &str,
        pages: &PageRules,
    ) -> Result<CowSubject<'a>, Vec<FieldError>> {
        match rule {
            Rule::Free => Ok(CowSubject::None),
            Rule::Page => {
                let pointer = "/properties/page";
                let page = required_text(self.page, pointer).map_err(|error| vec![error])?;
                normal_page(page, pages)
                    .map(CowSubject::Page)
                    .map_err(|error| vec![page_error(pointer, &error)])
            }
            Rule::Mail => {
                let pointer = "/properties/domain";
                let domain = required_text(self.domain, pointer).map_err(|error| vec![error])?;
                let error = |error: crate::host::DomainError| {
                    vec![FieldError::new(pointer, Code::InvalidDomain, error.to_string())]
                };
                match domain {
                    Cow::Borrowed(domain) => normalise_domain(domain).map(CowSubject::Domain).map_err(error),
                    Cow::Owned(domain) => normalise_domain(&domain)
                        .map(|domain| CowSubject::Domain(Cow::Owned(domain.into_owned())))
                        .map_err(error),
                }
            }
            Rule::Purchase => {
                let errors: Vec<_> =
                    [self.amount_error(), self.product_error()].into_iter().flatten().collect();
                if errors.is_empty() { Ok(CowSubject::None) } else { Err(errors) }
            }
            Rule::Schema(schema) => {
                let mut errors = schema.check(properties);
                if errors.is_empty() {
                    return Ok(CowSubject::None);
                }
                for error in &mut errors {
                    error.pointer = format!("/properties{}", error.pointer).into();
                }
                Err(errors)
            }
        }
    }

    fn amount_error(&self) -> Option<FieldError> {
        let pointer = "/properties/amount";
        let Some(amount) = self.amount else { return Some(required(pointer)) };
        if amount.kind != Kind::Number {
            return Some(FieldError::new(pointer, Code::WrongType, "is a number"));
        }
        // Only the sign matters, so that no amount is too precise: negative is what has a minus and a digit but 0.
        let mantissa = amount.raw.split(['e', 'E']).next().unwrap_or_default();
        let negative =
            mantissa.strip_prefix('-').is_some_and(|digits| digits.bytes().any(|d| matches!(d, b'1'..=b'9')));
        let too_large = !amount.raw.parse::<f64>().is_ok_and(f64::is_finite);
        (negative || too_large).then(|| {
            FieldError::new(pointer, Code::OutOfRange, "is a number of at least 0, as a double can hold it")
        })
    }

    fn product_error(&self) -> Option<FieldError> {
        let pointer = "/properties/product_id";
        match self.product_id {
            None => Some(required(pointer)),
            Some(Token { kind: Kind::String, raw: "", .. }) => {
                Some(FieldError::new(pointer, Code::Blank, "must not be empty"))
            }
            Some(Token { kind: Kind::String, .. }) => None,
            Some(_) => Some(FieldError::new(pointer, Code::WrongType, "is a string")),
        }
    }
}

/// What an event is about, where it may have had to be normalised.
enum CowSubject<'a> {
    None,
    Page(Cow<'a, str>),
    Domain(Cow<'a, str>),
}

impl CowSubject<'_> {
    fn borrow(&self) -> Subject<'_> {
        match self {
            Self::None => Subject::None,
            Self::Page(page) => Subject::Page(page),
            Self::Domain(domain) => Subject::Domain(domain),
        }
    }
}

/// One visit (`POST /visits`): a page view by that visitor.
///
/// # Errors
/// Everything that is wrong with the visit's members, found by the names that the client used.
pub fn validate_visit(
    text: &str,
    rules: &Rules,
    receipt: &mut Receipt<'_>,
    batch: &mut EventBatch,
) -> Result<Result<EventId, Vec<FieldError>>, Malformed> {
    let mut scanner = Scanner::new(text);
    let (mut visitor, mut url) = (None::<(&'static str, Token<'_>)>, None);
    let mut errors = Vec::new();
    if scanner.peek() != b'{' {
        scanner.value()?;
        scanner.end()?;
        return Ok(Err(vec![FieldError::new("", Code::WrongType, "a visit is a JSON object")]));
    }
    scanner.object(|scanner, key| {
        let value = scanner.value()?;
        let findings = scanner.take_findings();
        let pointer = match &*key.name() {
            "visitor_id" => "/visitor_id",
            "uid" => "/uid",
            "user_id" => "/user_id",
            "url" => "/url",
            _ => "",
        };
        let taken = if pointer == "/url" { url.is_some() } else { visitor.is_some() };
        if findings.nul {
            errors.push(FieldError::new(pointer, Code::NulCharacter, "holds a NUL character (\\u0000)"));
        } else if findings.lone_surrogate {
            errors.push(FieldError::new(pointer, Code::LoneSurrogate, "holds half of a surrogate pair"));
        } else if pointer.is_empty() || value.kind == Kind::Null {
            return Ok(());
        } else if taken {
            errors.push(FieldError::new(pointer, Code::DuplicateMember, "the visit says it twice"));
        } else if pointer == "/url" {
            url = Some(value);
        } else {
            visitor = Some((pointer, value));
        }
        errors.truncate(ERRORS_MAX);
        Ok(())
    })?;
    scanner.end()?;
    let visitor = visitor.ok_or_else(|| required("/visitor_id")).and_then(|(pointer, token)| {
        user(token).map_err(|error| FieldError { pointer: pointer.into(), ..error })
    });
    let url = required_text(url, "/url").and_then(|url| {
        let page = normal_page(url.clone(), &rules.pages).map_err(|error| page_error("/url", &error))?;
        Ok((url, page))
    });
    Ok(match (visitor, url) {
        (Ok(visitor), Ok((url, page))) if errors.is_empty() => {
            let properties = serde_json::json!({ "page": url }).to_string();
            let id = (receipt.new_id)();
            let (user, subject) = (Some(&*visitor), Subject::Page(&page));
            let (at, event_type) = (receipt.now, PAGE_VIEW);
            batch.push(&EventParts { id, at, event_type, user, subject, properties: &properties });
            Ok(id)
        }
        (visitor, url) => {
            errors.extend(visitor.err());
            errors.extend(url.err());
            Err(errors)
        }
    })
}

/// The page's normal form, borrowed where that is how it stands.
fn normal_page<'a>(page: Cow<'a, str>, rules: &PageRules) -> Result<Cow<'a, str>, PageError> {
    match page {
        Cow::Borrowed(page) => rules.normalise(page).map(crate::page::PageUrl::into_cow),
        Cow::Owned(page) => rules.normalise(&page).map(|page| Cow::Owned(page.into_cow().into_owned())),
    }
}

fn page_error(pointer: &'static str, error: &PageError) -> FieldError {
    let code = if matches!(error, PageError::Blank) { Code::Blank } else { Code::InvalidUrl };
    FieldError::new(pointer, code, error.to_string())
}

fn pointer_of(member: &str) -> &'static str {
    match member {
        "event_id" => "/event_id",
        "user_id" => "/user_id",
        "event_type" => "/event_type",
        "timestamp" => "/timestamp",
        _ => "/properties",
    }
}

pub(crate) fn required(pointer: &'static str) -> FieldError {
    FieldError::new(pointer, Code::Required, "is required")
}

pub(crate) fn required_text<'a>(
    token: Option<Token<'a>>,
    pointer: &'static str,
) -> Result<Cow<'a, str>, FieldError> {
    let token = token.filter(|token| token.kind != Kind::Null).ok_or_else(|| required(pointer))?;
    text(token, pointer)
}

fn text<'a>(token: Token<'a>, pointer: &'static str) -> Result<Cow<'a, str>, FieldError> {
    token.text().ok_or_else(|| match token.kind {
        Kind::String => FieldError::new(pointer, Code::LoneSurrogate, "holds half of a surrogate pair"),
        _ => FieldError::new(pointer, Code::WrongType, "is a string"),
    })
}

fn event_id(token: Token<'_>) -> Result<EventId, FieldError> {
    let id = text(token, "/event_id")?;
    EventId::parse(&id).ok_or_else(|| FieldError::new("/event_id", Code::NotAUuid, "is a UUID"))
}

pub(crate) fn user(token: Token<'_>) -> Result<Cow<'_, str>, FieldError> {
    let pointer = "/user_id";
    let user = match token.kind {
        // An unsigned integer of any size is kept digit by digit.
        Kind::Number if token.raw.bytes().all(|byte| byte.is_ascii_digit()) => Cow::Borrowed(token.raw),
        Kind::String => text(token, pointer)?,
        _ => return Err(FieldError::new(pointer, Code::WrongType, "is a string or an unsigned integer")),
    };
    if user.trim().is_empty() {
        return Err(FieldError::new(pointer, Code::Blank, "must not be blank"));
    }
    // Bytes first: counting characters costs, and almost none is that long.
    if user.len() > USER_MAX_CHARS && user.chars().count() > USER_MAX_CHARS {
        return Err(FieldError::new(pointer, Code::TooLong, "has at most 255 characters"));
    }
    Ok(user)
}

fn event_type(token: Option<Token<'_>>) -> Result<Cow<'_, str>, FieldError> {
    let pointer = "/event_type";
    let name = required_text(token, pointer)?;
    if name.is_empty() {
        return Err(FieldError::new(pointer, Code::Blank, "must not be empty"));
    }
    Ok(name)
}

fn timestamp(token: Token<'_>, receipt: &Receipt<'_>) -> Result<Timestamp, FieldError> {
    let pointer = "/timestamp";
    let at = Timestamp::parse(&text(token, pointer)?).ok_or_else(|| {
        FieldError::new(
            pointer,
            Code::NotATimestamp,
            "is a time as RFC 3339 writes it, such as 2025-05-26T14:00:00Z",
        )
    })?;
    if at > receipt.now.plus_micros(FUTURE_MAX_US) {
        return Err(FieldError::new(pointer, Code::OutOfRange, "lies more than 24 hours in the future"));
    }
    if at < receipt.oldest {
        let message = format!("lies before {}, the earliest time that is kept", receipt.oldest);
        return Err(FieldError::new(pointer, Code::OutOfRange, message));
    }
    Ok(at)
}

fn properties(token: Option<Token<'_>>, depth: usize) -> Result<&str, FieldError> {
    let pointer = "/properties";
    let Some(token) = token else { return Ok("{}") };
    if token.kind != Kind::Object {
        return Err(FieldError::new(pointer, Code::WrongType, "is an object"));
    }
    if token.raw.len() > PROPERTIES_MAX_BYTES {
        return Err(FieldError::new(pointer, Code::TooLarge, "has at most 32 KiB"));
    }
    if depth > PROPERTIES_MAX_DEPTH {
        return Err(FieldError::new(pointer, Code::TooDeep, "is nested at most 16 levels deep"));
    }
    Ok(token.raw)
}
