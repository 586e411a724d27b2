//! How many requests one connection may have under way at a time. Over HTTP/1.1 that is one; over HTTP/2 the client decides,
//! and actix announces no limit to it.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::HttpRequest;
use actix_web::http::Version;

use crate::problem::Problem;

/// No less than RFC 9113 (§6.5.2) recommends.
const MAX: usize = 128;

/// The requests of one connection, to be put into its extensions where it may be one of HTTP/2.
#[derive(Clone, Default)]
pub struct Streams(Rc<Cell<usize>>);

/// Stands for one request, until its answer begins.
pub(crate) struct Stream(Streams);

impl Streams {
    /// Counts a request.
    ///
    /// # Errors
    /// When its connection has too many under way.
    pub(crate) fn begin(request: &HttpRequest) -> Result<Option<Stream>, Problem> {
        if request.version() != Version::HTTP_2 {
            return Ok(None);
        }
        let Some(streams) = request.conn_data::<Self>() else { return Ok(None) };
        let open = streams.0.get();
        if open >= MAX {
            return Err(Problem::too_many_streams(MAX));
        }
        streams.0.set(open + 1);
        Ok(Some(Stream(streams.clone())))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get().saturating_sub(1));
    }
}
