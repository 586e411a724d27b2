//! `footfall healthcheck`: for containers and scripts.

use std::process::ExitCode;
use std::time::Duration;

/// Asks the server whether it is ready, and says so.
pub(crate) async fn run(server: &str) -> ExitCode {
    let client = awc::Client::builder().timeout(Duration::from_secs(3)).finish();
    match client.get(format!("{server}/health/ready")).send().await {
        Ok(answer) if answer.status().is_success() => {
            println!("{server} is ready");
            ExitCode::SUCCESS
        }
        Ok(answer) => {
            eprintln!("{server} answers {}", answer.status());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{server} can't be asked: {error}");
            ExitCode::FAILURE
        }
    }
}
