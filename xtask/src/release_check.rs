//! `release-check`: what has to hold before a release but is too slow or too rare for every change.

use crate::process::{cargo, run as run_command, works};

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if !args.is_empty() {
        return Err("usage: release-check".into());
    }
    if !works("cargo", &["deny", "--version"]) {
        return Err("cargo-deny is missing: `cargo install cargo-deny --locked`".into());
    }
    run_command(cargo().args(["deny", "--offline", "check", "licenses", "bans", "sources"]))?;
    if std::env::var_os("CI_ONLINE").is_some_and(|value| value == "1") {
        // The only check that has to fetch the advisory database.
        run_command(cargo().args(["deny", "check", "advisories"]))?;
    } else {
        eprintln!("advisories not checked: set CI_ONLINE=1 where the database can be fetched");
    }
    crate::packages::run(&[])
}
