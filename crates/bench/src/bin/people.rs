//! Mails, segments and users' activity at size, on one backend: `people --help` says how to run it, `footfall_bench::people`
//! what it does.
//!
//! It exits with 1 when a count was not what it must be or a store failed. An aim that was missed is printed and no failure.
//! Bounded by numbers and by time; nothing leaves the machine.

use std::error::Error;
use std::process::{Command, ExitCode};

use footfall_bench::load::machine::Machine;
use footfall_bench::people::measure;
use footfall_bench::people::options::{Options, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("people: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all counts were right.
async fn run() -> Result<bool, Box<dyn Error>> {
    let asked = Options::parse(std::env::args().skip(1)).map_err(|error| -> Box<dyn Error> { error });
    let Some(options) = asked? else {
        println!("{USAGE}");
        return Ok(true);
    };
    if let [part] = options.parts[..] {
        return measure(part, &options).await;
    }
    println!("machine: {}", Machine::look_up());
    let (program, mut is_right) = (std::env::current_exe()?, true);
    for part in &options.parts {
        // What one part's store has taken must not be in the next one's memory.
        is_right &= Command::new(&program).args(options.arguments_of(*part)).status()?.success();
    }
    Ok(is_right)
}
