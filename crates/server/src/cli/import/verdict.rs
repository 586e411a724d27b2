//! What the answer to a batch means, the server's or the store's. Pure: nothing is sent from here.

use std::time::Duration;

use footfall_ports::StoreError;
use footfall_services::{BatchReport, IngestError};
use serde::Deserialize;

use crate::cli::chain;
use crate::cli::client::Answer;

/// The figures of `POST /events` with a batch, in a 200 or in the problem document of a 422.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct BatchAnswer {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    #[serde(default)]
    pub(super) errors: Vec<RejectedItem>,
}

/// An event that was refused.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct RejectedItem {
    /// Counts the lines of the body.
    pub(super) index: usize,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Fault {
    #[serde(default)]
    pointer: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl RejectedItem {
    /// The server's words, in one line.
    pub(super) fn reason(&self) -> String {
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
pub(super) enum Verdict {
    /// Every event of the batch is answered for.
    Settled(BatchAnswer),
    /// The body is over one of the server's limits.
    TooLarge,
    /// The server can't take it now.
    Later { after: Option<Duration>, why: String },
    /// No further batch would fare better: a wrong key, a wrong address, a server that isn't Footfall's.
    Refused(String),
}

impl Verdict {
    /// The meaning of `answer` to a batch of `events`.
    pub(super) fn of(answer: &Answer, events: usize) -> Self {
        match answer.status.as_u16() {
            200 => match figures(&answer.body, events) {
                Ok(figures) => Self::Settled(figures),
                Err(why) => Self::Refused(format!("it answered 200, but {why}")),
            },
            // Without the four members it isn't the events that are refused.
            422 => match figures(&answer.body, events) {
                Ok(figures) => Self::Settled(figures),
                Err(_) => Self::Refused(answer.said()),
            },
            413 => Self::TooLarge,
            // 408, 502 and 504 are a proxy's or a slow line's way to say what 503 says.
            408 | 429 | 502 | 503 | 504 => Self::Later { after: answer.retry_after, why: answer.said() },
            _ => Self::Refused(answer.said()),
        }
    }

    /// The meaning of what the service that the store was opened for made of a batch of `events`.
    pub(super) fn of_report(report: Result<BatchReport, IngestError>, events: usize) -> Self {
        let error = match report {
            Ok(report) => {
                return fitting(report.into(), events)
                    .map_or_else(|why| Self::Refused(format!("it answered, but {why}")), Self::Settled);
            }
            Err(error) => error,
        };
        let why = chain(&error);
        match error {
            IngestError::TooManyEvents(_) => Self::TooLarge,
            IngestError::Store(
                StoreError::Unavailable { retry_after, .. } | StoreError::Full { retry_after },
            ) => Self::Later { after: Some(retry_after), why },
            IngestError::Store(StoreError::Failed(_))
            | IngestError::Malformed(_)
            | IngestError::NotUtf8(_)
            | IngestError::Path(_)
            | IngestError::KeyReused
            | IngestError::Invalid(_) => Self::Refused(why),
        }
    }
}

/// What the service says of a batch, in the words of the server's answer.
impl From<BatchReport> for BatchAnswer {
    fn from(report: BatchReport) -> Self {
        let fault = |error: footfall_domain::problem::FieldError| Fault {
            pointer: error.pointer.into_owned(),
            code: error.code.as_str().to_owned(),
            message: error.message.into_owned(),
        };
        let item = |rejected: footfall_services::Rejected| RejectedItem {
            index: rejected.index,
            errors: rejected.errors.into_iter().map(fault).collect(),
        };
        Self {
            accepted: report.accepted as u64,
            duplicates: report.duplicates as u64,
            rejected: report.rejected as u64,
            errors: report.errors.into_iter().map(item).collect(),
        }
    }
}

/// The four members, if they are there and answer for every event.
fn figures(body: &[u8], events: usize) -> Result<BatchAnswer, String> {
    let answer: BatchAnswer =
        serde_json::from_slice(body).map_err(|error| format!("without its counts: {error}"))?;
    fitting(answer, events)
}

fn fitting(answer: BatchAnswer, events: usize) -> Result<BatchAnswer, String> {
    let answered = answer.accepted.saturating_add(answer.duplicates).saturating_add(answer.rejected);
    if answered != events as u64 {
        return Err(format!("for {answered} events where {events} were sent"));
    }
    if answer.errors.len() as u64 > answer.rejected || answer.errors.iter().any(|item| item.index >= events) {
        return Err("its errors do not fit the batch".to_owned());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use awc::http::StatusCode;

    use super::*;

    fn verdict(status: u16, body: &str) -> Verdict {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: Some(Duration::from_secs(3)),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        Verdict::of(&answer, 3)
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
    fn a_store_means_what_a_server_would() {
        let report = BatchReport { accepted: 2, duplicates: 0, rejected: 0, errors: Vec::new() };
        assert!(
            matches!(Verdict::of_report(Ok(report), 2), Verdict::Settled(answer) if answer.accepted == 2)
        );
        let silent = BatchReport::default();
        assert!(matches!(Verdict::of_report(Ok(silent), 2), Verdict::Refused(_)));
        let of = |error: IngestError| Verdict::of_report(Err(error), 2);
        assert_eq!(of(IngestError::TooManyEvents(1)), Verdict::TooLarge);
        let full = StoreError::Full { retry_after: Duration::from_secs(7) };
        assert!(matches!(of(full.into()), Verdict::Later { after: Some(after), .. } if after.as_secs() == 7));
        let failed = of(StoreError::Failed("the disk is gone".into()).into());
        assert_eq!(failed, Verdict::Refused("the store failed: the disk is gone".to_owned()));
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
