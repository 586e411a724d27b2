//! Where batches go: to a running server, or into a store that this process has opened. Either way a verdict comes back.

use footfall_services::Ingest;

use super::batch::Batch;
use super::verdict::of_report;
use crate::cli::client::Client;
use crate::cli::verdict::{BatchAnswer, Verdict};

/// Takes batches.
pub(super) enum Target {
    /// A server, by `POST /events`.
    Server(Client),
    /// The configured store, by the service that the server would take them with.
    Store(Box<Ingest>),
}

impl Target {
    /// Its name in messages.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Server(client) => client.server(),
            Self::Store(_) => "the store",
        }
    }

    /// Hands a batch over, once.
    pub(super) async fn take(&self, batch: &Batch) -> Verdict<BatchAnswer> {
        match self {
            Self::Server(client) => match client.post_events(batch.body.clone()).await {
                Ok(answer) => Verdict::of_batch(&answer, batch.len()),
                Err(error) => Verdict::Later { after: None, why: error.to_string() },
            },
            Self::Store(ingest) => of_report(ingest.ndjson(&batch.body).await, batch.len()),
        }
    }
}
