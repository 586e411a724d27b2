//! What the two ways to listen have in common.

use footfall_services::live::{ListenError, LiveFilter, TooManyListeners};

use crate::Api;
use crate::params::Params;
use crate::problem::Problem;

/// The parameters that choose events.
pub(crate) const FILTER: [&str; 3] = ["event_type", "user_id", "page"];

/// Which events are asked for.
pub(crate) fn filter(params: &mut Params, api: &Api) -> LiveFilter {
    let [event_type, user, page] = FILTER;
    LiveFilter {
        event_type: params.take(event_type),
        user: params.take(user),
        page: params.page(page, &api.ingest.rules().pages),
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
