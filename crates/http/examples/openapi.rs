//! Writes the API's description to standard output. `make openapi` keeps a copy of it in `docs/openapi.json`.

use std::io::{self, Write as _};

use footfall_http::Description;

fn main() -> io::Result<()> {
    io::stdout().write_all(Description::new()?.json())
}
