//! What the two ways to listen have in common.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use utoipa::openapi::path::Parameter;

use footfall_services::live::{ListenError, LiveFilter, TooManyListeners};

use crate::Api;
use crate::openapi::parameters;
use crate::params::Params;
use crate::problem::Problem;

/// The parameters that choose events.
pub(crate) const FILTER: [&str; 3] = ["event_type", "user_id", "page"];

/// The same, as the document has them.
pub(crate) fn parameters() -> [Parameter; 3] {
    let page = parameters::page("page", "Only views of this page.");
    [parameters::event_type(), parameters::user_id(), page]
}

/// Which events are asked for.
pub(crate) fn filter(params: &mut Params, api: &Api) -> LiveFilter {
    let [event_type, user, page] = FILTER;
    LiveFilter {
        event_type: params.take(event_type),
        user: params.take(user),
        page: params.page(page, &api.ingest.rules().pages),
    }
}

/// A listener that has just been given something is given more only after so long, if that can wait: a delivery to each of many
/// listeners for every single event would take the processor from those who post events.
const REST: Duration = Duration::from_millis(5);

/// A listener's rests.
#[derive(Default)]
pub(crate) struct Rests(Option<Instant>);

impl Rests {
    /// Rests from now on.
    pub(crate) fn begin(&mut self) {
        self.0 = Some(Instant::now() + REST);
    }

    /// Waits until the present one is over.
    pub(crate) async fn over(&self) {
        if let Some(end) = self.0 {
            sleep_until(end).await;
        }
    }
}

impl From<TooManyListeners> for Problem {
    fn from(_: TooManyListeners) -> Self {
        Self::too_many_listeners()
    }
}

impl From<ListenError> for Problem {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::TooMany(error) => error.into(),
            ListenError::Store(error) => error.into(),
        }
    }
}
