//! The soak: `soak --help` says how to run it, `footfall_bench::soak` what it does.
//!
//! It exits with 1 when something that was acknowledged is missing or there twice, when an answer was not as it must be, or
//! when something could not be run.

use std::{env, process::ExitCode};

use footfall_bench::{
    load::{Failure, machine::Machine, servers::Children},
    soak::{
        self,
        options::{Options, USAGE},
    },
};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as it must be.
fn run() -> Result<bool, Failure> {
    let Some(options) = Options::parse(env::args().skip(1))? else {
        println!("{USAGE}");
        return Ok(true);
    };
    let children = Children::default();
    children.stop_on_signal()?;
    println!("{}", Machine::look_up());
    soak::run(&options, &children)
}
