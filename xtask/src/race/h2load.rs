//! h2load as the load.

use super::wrk::Count;
use crate::process::output;
use std::process::Command;

/// The core that the load runs on.
const CORE: &str = "1";

/// One way to put load on a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) connections: usize,
    /// Requests in flight on each connection.
    pub(super) streams: usize,
    pub(super) requests: usize,
    pub(super) path: &'static str,
    /// Octets of each answer's body.
    pub(super) body: usize,
}

impl Load {
    /// What is run, without the URL. Flow control never stops the server: h2load's windows have 2^30 - 1 octets.
    pub(super) fn args(self) -> [String; 4] {
        let Self { connections, streams, requests, .. } = self;
        ["-t1".into(), format!("-c{connections}"), format!("-m{streams}"), format!("-n{requests}")]
    }
}

/// What h2load counted.
#[derive(Debug, PartialEq)]
pub(super) struct Counts {
    pub(super) count: Count,
    /// Octets of all field blocks as they were sent.
    pub(super) heads: f64,
}

/// Runs h2load once against a server whose URLs begin with `url`; one request that failed is an error, and so is a
/// missing octet.
pub(super) fn run(url: &str, load: Load) -> Result<Counts, String> {
    let mut command = Command::new("taskset");
    command.args(["-c", CORE, "h2load"]).args(load.args()).arg(format!("{url}{}", load.path));
    parse(&output(&mut command)?, load)
}

fn parse(text: &str, load: Load) -> Result<Counts, String> {
    let line = |start: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(start));
        line.ok_or_else(|| format!("no line `{start}` from h2load:\n{text}"))
    };
    let requests = load.requests;
    let counts = line("requests: ")?;
    let good = format!(
        "{requests} total, {requests} started, {requests} done, {requests} succeeded, 0 failed, 0 errored, 0 timeout"
    );
    if counts != good {
        return Err(format!("h2load: requests: {counts}"));
    }
    let codes = line("status codes: ")?;
    if codes != format!("{requests} 2xx, 0 3xx, 0 4xx, 0 5xx") {
        return Err(format!("h2load: status codes: {codes}"));
    }
    let traffic = line("traffic: ")?;
    if !traffic.ends_with(&format!("({}) data", requests * load.body)) {
        return Err(format!("h2load: not {} octets of data but {traffic}", requests * load.body));
    }
    let rate = line("finished in ")?.split(", ").find_map(|part| part.strip_suffix(" req/s"));
    let per_second = rate.and_then(|rate| rate.parse().ok()).ok_or("no rate from h2load")?;
    // `traffic: 1.2KB (1234) total, 60B (60) headers (space savings 80.00%), …`
    let heads =
        traffic.split_once(") headers").and_then(|(before, _)| before.rsplit_once('(')?.1.parse().ok());
    let heads = heads.ok_or_else(|| format!("no octets of headers from h2load: {traffic}"))?;
    Ok(Counts { count: Count { requests: requests as f64, per_second }, heads })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load = Load { connections: 1, streams: 2, requests: 4, path: "/", body: 13 };
    const SAMPLE: &str = "starting benchmark...\nspawning thread #0: 1 total client(s). 4 total requests\n\
        Application protocol: h2c\nprogress: 25% done\n\nfinished in 2.05ms, 1951.22 req/s, 123.45KB/s\n\
        requests: 4 total, 4 started, 4 done, 4 succeeded, 0 failed, 0 errored, 0 timeout\n\
        status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx\n\
        traffic: 300B (300) total, 60B (60) headers (space savings 80.00%), 52B (52) data\n";

    #[test]
    fn reads_what_h2load_prints() {
        let count = Count { requests: 4.0, per_second: 1951.22 };
        assert_eq!(parse(SAMPLE, LOAD), Ok(Counts { count, heads: 60.0 }));
    }

    #[test]
    fn one_error_voids_the_run() {
        for (from, to) in [
            ("4 succeeded, 0 failed", "3 succeeded, 1 failed"),
            ("0 timeout", "1 timeout"),
            ("4 2xx, 0 3xx, 0 4xx", "3 2xx, 0 3xx, 1 4xx"),
            ("(52) data", "(51) data"),
            ("(52) data", "(152) data"),
            ("finished in", "ended after"),
        ] {
            assert_ne!(SAMPLE, SAMPLE.replace(from, to));
            assert!(parse(&SAMPLE.replace(from, to), LOAD).is_err(), "{from} -> {to}");
        }
    }
}
