//! Many connections that have done one request each.

use super::answer::ask;
use std::net::{SocketAddr, TcpStream};

/// Opens `count` connections one after another, each with one request answered; they close on drop.
pub(super) fn hold(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>, String> {
    (0..count)
        .map(|number| ask(address).map_err(|error| format!("connection {number} of {count}: {error}")))
        .collect()
}

/// Open files that a process beside `count` connections needs.
pub(super) const SPARE_FILES: usize = 256;

/// Raises this process's limit of open files, which its children inherit.
pub(super) fn allow_files(count: usize) -> Result<(), String> {
    let wanted = count + SPARE_FILES;
    if limit()? >= wanted {
        return Ok(());
    }
    let pid = std::process::id().to_string();
    // The hard limit stays: raising it would need privileges. Should it be lower, this fails.
    let limit = format!("--nofile={wanted}:");
    crate::process::output(std::process::Command::new("prlimit").args(["--pid", &pid, &limit]))
        .map(drop)
        .map_err(|error| format!("{count} connections need {wanted} open files: {error}"))
}

/// The soft limit of open files.
fn limit() -> Result<usize, String> {
    let limits = std::fs::read_to_string("/proc/self/limits").map_err(|error| format!("/proc: {error}"))?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    Ok(soft.parse().unwrap_or(usize::MAX))
}
