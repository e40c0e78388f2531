//! wrk as the load.

use crate::process::{output, root};
use std::net::SocketAddr;
use std::process::Command;

/// The core that the load runs on.
const CORE: &str = "1";

/// Requests that a pipelining client sends in one write.
pub(super) const DEPTH: usize = 16;

/// One way to put load on a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) seconds: u32,
    pub(super) pipelined: bool,
}

/// What wrk counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Count {
    pub(super) requests: f64,
    pub(super) per_second: f64,
}

/// Runs wrk once; any error that it saw is an error here.
pub(super) fn run(address: SocketAddr, load: Load) -> Result<Count, String> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE, "wrk", "-t1", "--timeout", "30s"]);
    command.arg(format!("-c{}", load.connections)).arg(format!("-d{}s", load.seconds));
    if load.pipelined {
        command.arg("-s").arg(script()?);
    }
    command.arg(format!("http://{address}/"));
    parse(&output(&mut command)?)
}

fn script() -> Result<std::path::PathBuf, String> {
    let folder = root().join("target/race");
    let path = folder.join("pipeline.lua");
    let text = format!(
        "init = function()\n  local r = {{}}\n  for i = 1, {DEPTH} do r[i] = wrk.format(nil, \"/\") end\n  \
         req = table.concat(r)\nend\nrequest = function() return req end\n"
    );
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
    written.map(|()| path).map_err(|error| format!("cannot write wrk's script: {error}"))
}

fn parse(text: &str) -> Result<Count, String> {
    for line in text.lines().map(str::trim) {
        if line.starts_with("Non-2xx") || line.starts_with("Socket errors") {
            return Err(line.to_owned());
        }
    }
    let number = |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    let requests = text.lines().map(str::trim).find(|line| line.contains(" requests in ")).and_then(number);
    let per_second = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:")).and_then(number);
    match (requests, per_second) {
        (Some(requests), Some(per_second)) if requests > 0.0 => Ok(Count { requests, per_second }),
        _ => Err(format!("wrk counted nothing:\n{text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "Running 3s test @ http://127.0.0.1:8080/\n  1 threads and 64 connections\n  \
                          301234 requests in 3.00s, 37.34MB read\nRequests/sec: 100411.33\nTransfer/sec:     12.45MB\n";

    #[test]
    fn reads_what_wrk_prints() {
        assert_eq!(parse(SAMPLE), Ok(Count { requests: 301_234.0, per_second: 100_411.33 }));
    }

    #[test]
    fn one_error_voids_the_run() {
        let bad = SAMPLE.replace("Requests/sec", "  Non-2xx or 3xx responses: 1\nRequests/sec");
        assert!(parse(&bad).is_err());
        let bad = SAMPLE
            .replace("Requests/sec", "  Socket errors: connect 0, read 1, write 0, timeout 0\nRequests/sec");
        assert!(parse(&bad).is_err());
        assert!(parse("unable to connect").is_err());
    }
}
