//! What the store's answer to a batch means, where an import works without a server; a server's is in `cli/verdict.rs`.

use footfall_ports::StoreError;
use footfall_services::{BatchReport, IngestError};

use crate::cli::chain;
use crate::cli::verdict::{BatchAnswer, Fault, RejectedItem, Verdict, fitting};

/// The meaning of what the service that the store was opened for made of a batch of `events`.
pub(super) fn of_report(report: Result<BatchReport, IngestError>, events: usize) -> Verdict<BatchAnswer> {
    let error = match report {
        Ok(report) => {
            return fitting(report.into(), events)
                .map_or_else(|why| Verdict::Refused(format!("it answered, but {why}")), Verdict::Settled);
        }
        Err(error) => error,
    };
    let why = chain(&error);
    match error {
        IngestError::TooManyEvents(_) => Verdict::TooLarge,
        IngestError::Store(
            StoreError::Unavailable { retry_after, .. } | StoreError::Full { retry_after },
        ) => Verdict::Later { after: Some(retry_after), why },
        IngestError::Store(StoreError::Failed(_))
        | IngestError::Malformed(_)
        | IngestError::NotUtf8(_)
        | IngestError::Path(_)
        | IngestError::KeyReused
        | IngestError::Invalid(_) => Verdict::Refused(why),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_store_means_what_a_server_would() {
        let report = BatchReport { accepted: 2, duplicates: 0, rejected: 0, errors: Vec::new() };
        assert!(matches!(of_report(Ok(report), 2), Verdict::Settled(answer) if answer.accepted == 2));
        let silent = BatchReport::default();
        assert!(matches!(of_report(Ok(silent), 2), Verdict::Refused(_)));
        let of = |error: IngestError| of_report(Err(error), 2);
        assert_eq!(of(IngestError::TooManyEvents(1)), Verdict::TooLarge);
        let full = StoreError::Full { retry_after: Duration::from_secs(7) };
        assert!(matches!(of(full.into()), Verdict::Later { after: Some(after), .. } if after.as_secs() == 7));
        let failed = of(StoreError::Failed("the disk is gone".into()).into());
        assert_eq!(failed, Verdict::Refused("the store failed: the disk is gone".to_owned()));
    }
}
