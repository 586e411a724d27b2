//! `footfall healthcheck`: for containers and scripts.

use std::process::ExitCode;

use super::client::Client;
use super::reach::Address;

/// Asks the server whether it is ready, and says so.
pub(crate) async fn run(address: &Address) -> ExitCode {
    let server = &address.url;
    let asked = match Client::new(address, None) {
        Ok(client) => client.readiness().await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(status) if status.is_success() => {
            println!("{server} is ready");
            ExitCode::SUCCESS
        }
        Ok(status) => {
            eprintln!("{server} answers {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("it can't be asked: {error}");
            ExitCode::FAILURE
        }
    }
}
