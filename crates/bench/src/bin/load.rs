//! The end-to-end load benchmark: `load --help` says how to run it, `footfall_bench::load` what it does.
//!
//! It exits with 1 when an answer was not as it must be, events were lost or a server could not be measured. An aim
//! that was missed is printed and no failure.

use std::{env, fs, process::ExitCode};

use footfall_bench::load::{
    Failure, listeners,
    machine::Machine,
    options::{Options, USAGE},
    report,
    scenarios::measure,
    servers::Children,
};
fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
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
    listeners::raise_open_files();
    let machine = Machine::look_up();
    println!("{}", report::preamble(&machine, &options));
    let mut outcomes = Vec::new();
    for scenario in &options.scenarios {
        let outcome = measure(*scenario, &options, &children)?;
        print!("{}", report::table(&outcome, &options));
        outcomes.push(outcome);
    }
    if let Some(path) = &options.json {
        let figures = report::json(&machine, &options, &outcomes);
        fs::write(path, format!("{figures:#}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(outcomes.iter().all(|outcome| outcome.problems.is_empty()))
}
