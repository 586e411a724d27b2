//! `POST /verify`: the figures are what the log says.

use insta::assert_json_snapshot;

use super::{shape, with_events};
use crate::support::{Request, Server};

#[test]
fn figures_are_what_the_log_says() {
    let server = with_events();
    assert_json_snapshot!("consistent", shape(&server.ask(&Request::new("POST", "/verify")), &[]));
    // A body means nothing, whatever it is.
    for request in
        [Request::post("/verify", "{"), Request::post("/verify", vec![0xFF; 100_000]).chunked(1_000)]
    {
        assert_eq!(server.ask(&request.header("Content-Type", "text/html")).json_of(200)["consistent"], true);
    }
    assert_eq!(Server::start(&[]).ask(&Request::new("POST", "/verify")).json_of(200)["consistent"], true);
}
