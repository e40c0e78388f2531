//! What the figures were taken on and with.

use crate::process::{cargo, output, root};
use serde_json::{Value, json};
use std::process::Command;

/// Machine, date, tools and peers, as text pairs in the order to print; the peers' versions are those that a lock
/// file pins.
pub(super) fn describe(lock_file: &str, peers: &[&str]) -> Vec<(String, String)> {
    let first_line = |text: Result<String, String>| {
        text.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_else(|| "unknown".into())
    };
    let say = |program: &str, args: &[&str]| first_line(output(Command::new(program).args(args)));
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut lines = vec![
        ("machine".into(), format!("{} ({cores} cores)", cpu.unwrap_or("unknown"))),
        ("kernel".into(), say("uname", &["-sr"])),
        // Pacing, where it paces, is in the cost of large bodies.
        (
            "TCP congestion control".into(),
            first_line(
                std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control")
                    .map_err(|error| error.to_string()),
            ),
        ),
        ("date".into(), say("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("rustc".into(), say("rustc", &["--version"])),
        (
            "commit".into(),
            first_line(output(
                Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root()),
            )),
        ),
    ];
    let lock = std::fs::read_to_string(root().join(lock_file)).unwrap_or_default();
    let peers = peers.iter().filter_map(|name| Some(format!("{name} {}", version(&lock, name)?)));
    lines.push(("peers".into(), peers.collect::<Vec<_>>().join(", ")));
    lines
}

pub(super) fn json(lines: &[(String, String)]) -> Value {
    lines.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>().into()
}

/// The version that a lock file pins; the last, where there are several.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let header = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = lock.rsplit_once(&header)?;
    rest.split('"').next()
}

/// wrk's version, as a line for [`describe`]'s.
pub(super) fn wrk() -> (String, String) {
    // It has no flag that prints its version and succeeds.
    let wrk = Command::new("wrk").arg("-v").output().map(|output| output.stdout).unwrap_or_default();
    let wrk = String::from_utf8_lossy(&wrk).split_whitespace().nth(1).unwrap_or("unknown").to_owned();
    ("wrk".into(), wrk)
}

/// A line of what a program says of its version, on whichever output.
pub(super) fn says(name: &str, program: &str, args: &[&str]) -> (String, String) {
    let said =
        Command::new(program).args(args).output().map(|output| [output.stdout, output.stderr].concat());
    let said = said.unwrap_or_default();
    let line = String::from_utf8_lossy(&said).lines().next().unwrap_or("unknown").to_owned();
    (name.to_owned(), line)
}

/// Builds contestants in release; empty: all. Peers are a workspace of their own.
pub(super) fn build(peers: &[&str], ours: &[&str]) -> Result<(), String> {
    let manifest = root().join("benches/peers/Cargo.toml");
    let mut command = bins(peers);
    crate::process::run(command.arg("--locked").arg("--manifest-path").arg(manifest))?;
    build_ours(ours)
}

/// Builds what is in `benches` itself; empty: all of it.
pub(super) fn build_ours(ours: &[&str]) -> Result<(), String> {
    crate::process::run(bins(ours).args(["-p", "wirelace-benches"]))
}

fn bins(names: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["build", "--release", "-j", &jobs()]);
    if names.is_empty() {
        command.arg("--bins");
    }
    for name in names {
        command.args(["--bin", name]);
    }
    command
}

fn jobs() -> String {
    std::env::var("CARGO_BUILD_JOBS").unwrap_or_else(|_| "1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_from_a_lock_file() {
        let lock = "[[package]]\nname = \"hyper\"\nversion = \"1.12.0\"\n\n[[package]]\nname = \"hyper-util\"\nversion = \"0.1.2\"\n";
        assert_eq!(version(lock, "hyper"), Some("1.12.0"));
        assert_eq!(version(lock, "axum"), None);
    }
}
