//! wrk as the load.

use crate::process::{output, root};
use std::path::PathBuf;
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
    pub(super) path: &'static str,
    pub(super) form: Form,
}

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// One request, then the next.
    Plain,
    /// [`DEPTH`] in one write.
    Pipelined,
    /// One with a body of so many octets.
    Upload(usize),
}

/// What wrk counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Count {
    pub(super) requests: f64,
    pub(super) per_second: f64,
}

/// Runs wrk once against a server whose URLs begin with `url`; any error that it saw is an error here.
pub(super) fn run(url: &str, load: Load) -> Result<Count, String> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE, "wrk", "-t1", "--timeout", "30s"]);
    command.arg(format!("-c{}", load.connections)).arg(format!("-d{}s", load.seconds));
    match load.form {
        Form::Plain => {}
        Form::Pipelined => {
            let text = format!(
                "init = function()\n  local r = {{}}\n  for i = 1, {DEPTH} do r[i] = wrk.format(nil, \"{}\") end\n  \
                 req = table.concat(r)\nend\nrequest = function() return req end\n",
                load.path
            );
            command.arg("-s").arg(write("pipeline.lua", &text)?);
        }
        Form::Upload(octets) => {
            let text = format!("wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", {octets})\n");
            command.arg("-s").arg(write("upload.lua", &text)?);
        }
    }
    if url.starts_with("https:") {
        command.env("OPENSSL_CONF", write("openssl.cnf", OPENSSL)?);
    }
    command.arg(format!("{url}{}", load.path));
    parse(&output(&mut command)?)
}

/// The one suite and key exchange that wrk offers.
const OPENSSL: &str = "openssl_conf = conf\n[conf]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\n\
                       MinProtocol = TLSv1.3\nCiphersuites = TLS_AES_128_GCM_SHA256\nGroups = X25519\n";

/// Puts a file where generated ones are.
pub(super) fn write(name: &str, text: &str) -> Result<PathBuf, String> {
    let path = root().join("target/race").join(name);
    let folder = path.parent().unwrap_or(&path);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map(|()| path).map_err(|error| format!("cannot write {name}: {error}"))
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
