//! What a server's answer to what was sent means. Pure: nothing is sent from here.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Answer;

/// What a batch is answered with: so many items were taken as new, so many were known, so many refused.
pub(crate) trait Figures: DeserializeOwned {
    /// New, known and refused ones.
    fn counts(&self) -> [u64; 3];
    /// What was wrong with those that were refused.
    fn errors(&self) -> &[RejectedItem];
}

/// The figures of `POST /events` with a batch, in a 200 or in the problem document of a 422.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct BatchAnswer {
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) rejected: u64,
    #[serde(default)]
    pub(crate) errors: Vec<RejectedItem>,
}

impl Figures for BatchAnswer {
    fn counts(&self) -> [u64; 3] {
        [self.accepted, self.duplicates, self.rejected]
    }

    fn errors(&self) -> &[RejectedItem] {
        &self.errors
    }
}

/// An item that was refused.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct RejectedItem {
    /// Counts the items of the body.
    pub(crate) index: usize,
    #[serde(default)]
    pub(crate) errors: Vec<Fault>,
}

/// One thing that is wrong with it.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Fault {
    /// Where in the item, as a JSON pointer.
    #[serde(default)]
    pub(crate) pointer: String,
    /// A stable word.
    #[serde(default)]
    pub(crate) code: String,
    /// A sentence.
    #[serde(default)]
    pub(crate) message: String,
}

impl RejectedItem {
    /// The server's words, in one line.
    pub(crate) fn reason(&self) -> String {
        let faults: Vec<String> = self
            .errors
            .iter()
            .map(|fault| {
                let at = if fault.pointer.is_empty() { "" } else { ": " };
                format!("{}{at}{} ({})", fault.pointer, fault.message, fault.code)
            })
            .collect();
        if faults.is_empty() { "no reason given".to_owned() } else { faults.join("; ") }
    }
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict<T> {
    /// Every item is answered for.
    Settled(T),
    /// The body is over one of the server's limits.
    TooLarge,
    /// The server can't take it now.
    Later { after: Option<Duration>, why: String },
    /// Nothing further would fare better: a wrong key, a wrong address, a server that isn't Footfall's.
    Refused(String),
}

impl<T> Verdict<T> {
    /// The meaning of an answer that settles nothing.
    pub(crate) fn unsettled(answer: &Answer) -> Self {
        match answer.status.as_u16() {
            413 => Self::TooLarge,
            // 408, 502 and 504 are a proxy's or a slow line's way to say what 503 says.
            408 | 429 | 502 | 503 | 504 => Self::Later { after: answer.retry_after, why: answer.said() },
            _ => Self::Refused(answer.said()),
        }
    }
}

impl<T: Figures> Verdict<T> {
    /// The meaning of `answer` to a batch of so many items.
    pub(crate) fn of_batch(answer: &Answer, items: usize) -> Self {
        match (answer.status.as_u16(), figures(&answer.body, items)) {
            // Without the figures, it isn't the items that a 422 refuses.
            (200 | 422, Ok(figures)) => Self::Settled(figures),
            (200, Err(why)) => Self::Refused(format!("it answered 200, but {why}")),
            _ => Self::unsettled(answer),
        }
    }
}

/// The figures, if they are there and answer for every item.
fn figures<T: Figures>(body: &[u8], items: usize) -> Result<T, String> {
    let answer: T = serde_json::from_slice(body).map_err(|error| format!("without its counts: {error}"))?;
    fitting(answer, items)
}

/// The figures, if they answer for every item that was sent.
///
/// # Errors
/// Why they don't.
pub(crate) fn fitting<T: Figures>(answer: T, items: usize) -> Result<T, String> {
    let [new, known, rejected] = answer.counts();
    let answered = new.saturating_add(known).saturating_add(rejected);
    if answered != items as u64 {
        return Err(format!("for {answered} items where {items} were sent"));
    }
    let errors = answer.errors();
    if errors.len() as u64 > rejected || errors.iter().any(|item| item.index >= items) {
        return Err("its errors do not fit the batch".to_owned());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use awc::http::StatusCode;

    use super::*;

    fn verdict(status: u16, body: &str) -> Verdict<BatchAnswer> {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: Some(Duration::from_secs(3)),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        Verdict::of_batch(&answer, 3)
    }

    #[test]
    fn a_batch_is_settled_when_every_event_is_answered_for() {
        let some = r#"{"accepted":1,"duplicates":1,"rejected":1,"errors":[{"index":2,"event_id":null,"errors":[
            {"pointer":"/properties/page","code":"required","message":"is required"},{"code":"malformed","message":"bad"}]}]}"#;
        let Verdict::Settled(answer) = verdict(200, some) else { panic!("not settled") };
        assert_eq!(
            (answer.accepted, answer.duplicates, answer.rejected, answer.errors[0].index),
            (1, 1, 1, 2)
        );
        assert_eq!(answer.errors[0].reason(), "/properties/page: is required (required); bad (malformed)");

        let none =
            r#"{"type":"x","title":"y","status":422,"accepted":0,"duplicates":0,"rejected":3,"errors":[]}"#;
        assert!(matches!(verdict(422, none), Verdict::Settled(_)));
    }

    #[test]
    fn an_answer_that_does_not_fit_the_batch_stops_the_run() {
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"accepted":2,"duplicates":0,"rejected":0,"errors":[]}"#,
            r#"{"accepted":4,"duplicates":0,"rejected":0,"errors":[]}"#,
            r#"{"accepted":2,"duplicates":0,"rejected":1,"errors":[{"index":3}]}"#,
            r#"{"accepted":3,"duplicates":0,"rejected":0,"errors":[{"index":1}]}"#,
        ] {
            assert!(matches!(verdict(200, body), Verdict::Refused(_)), "{body}");
        }
        // A 422 about the body as a whole: `errors` has another form there.
        let whole = r#"{"title":"Invalid","status":422,"detail":"no","errors":[{"pointer":"","code":"a","message":"b"}]}"#;
        assert_eq!(verdict(422, whole), Verdict::Refused("422 Unprocessable Entity: no".to_owned()));
    }

    #[test]
    fn the_status_tells_waiting_from_stopping() {
        for status in [408, 429, 502, 503, 504] {
            let Verdict::Later { after, .. } = verdict(status, "") else { panic!("{status} stops") };
            assert_eq!(after, Some(Duration::from_secs(3)));
        }
        assert_eq!(verdict(413, ""), Verdict::TooLarge);
        for status in [201, 204, 302, 400, 401, 403, 404, 405, 415, 500] {
            assert!(matches!(verdict(status, ""), Verdict::Refused(_)), "{status}");
        }
        let problem = r#"{"title":"Unauthorized","detail":"The key is unknown.","request_id":"r1"}"#;
        let expected = "401 Unauthorized: The key is unknown. (request r1)".to_owned();
        assert_eq!(verdict(401, problem), Verdict::Refused(expected));
    }
}
