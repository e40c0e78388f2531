//! Project chores, run as `cargo xtask VERB`. One verb, one module.

mod alone;
mod codegen;
mod fuzz_smoke;
mod interop;
mod layers;
mod packages;
mod process;
mod race;
mod release_check;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask VERB

  codegen [--check]                   write the generated tables, or fail when one is stale
  check-layers                        fail when an import points up, files form a circle,
                                      or a foreign type shows in a protocol crate's API
  check-alone                         build each codec crate by itself, without std, and its example
  check-packages                      package every published crate, and build it from its package
  interop [NAME]                      run our programs against real peers
  race NAME [--quick] [--json FILE]   measure against peers, taking turns (names: http1, frame, tls)
  fuzz-smoke [SECONDS]                run each fuzz target for a short time (default 10)
  release-check                       licences, bans, sources and packaging, before a release";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let verb = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let result = match verb.as_str() {
        "codegen" => codegen::run(&args),
        "check-alone" => alone::run(&args),
        "check-layers" => layers::run(&args),
        "check-packages" => packages::run(&args),
        "interop" => interop::run(&args),
        "race" => race::run(&args),
        "fuzz-smoke" => fuzz_smoke::run(&args),
        "release-check" => release_check::run(&args),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask {verb}: {reason}");
            ExitCode::FAILURE
        }
    }
}
