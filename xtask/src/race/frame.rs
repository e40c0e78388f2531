//! Request and response over one loopback connection: ours against what is written by hand on tokio-util's codec.

use super::measure::{self, Named, Sample};
use super::report::Part;
use super::tool::{Running, Tool, spawn};
use super::{Options, machine};
use crate::process::root;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

const IN_FLIGHT: usize = 64;

/// Name, program of `benches` that is both ends, and its first argument.
#[derive(Debug, Clone, Copy)]
struct Ends(&'static str, &'static str, &'static str);

impl Named for Ends {
    fn name(&self) -> &'static str {
        self.0
    }
}

const CONTESTANTS: &[Ends] = &[
    Ends("tokio-util", "frame-tokio-util", "plain"),
    Ends("tokio-util, timeouts", "frame-tokio-util", "timeout"),
    Ends("tokio-util, timeouts, concurrent handlers", "frame-tokio-util", "concurrent"),
    Ends("ours, extended form", "frame-ours", "extended"),
    Ends("ours, base form", "frame-ours", "base"),
];

pub(super) fn race(options: &Options) -> Result<(), String> {
    machine::build_ours(&["frame-ours", "frame-tokio-util"])?;
    let mut parts = Vec::new();
    for (name, octets) in [("64", 64), ("1k", 1024)] {
        if options.parts.is_empty() || options.parts.iter().any(|part| part == name) {
            parts.push(run(name, octets, options));
        }
    }
    let machine = machine::describe("Cargo.lock", &["tokio", "tokio-util", "bytes"]);
    println!("## Framing protocol: CPU time of both ends, taking turns\n");
    for (name, value) in &machine {
        println!("- {name}: {value}");
    }
    println!(
        "- server on core 0, client on core 1, one connection, {IN_FLIGHT} calls in flight, {} rounds after one \
         that does not count; median, and ratios taken round by round\n",
        options.rounds()
    );
    measure::finish("frame", &parts, &machine, options)
}

fn run(name: &'static str, octets: usize, options: &Options) -> Part {
    let mut part = Part {
        name,
        title: format!("{octets} octets each way, {IN_FLIGHT} in flight"),
        unit: "µs/call",
        bases: vec!["tokio-util", "tokio-util, timeouts", "tokio-util, timeouts, concurrent handlers"],
        rows: Vec::new(),
    };
    // Some seconds a round.
    let calls = if options.quick { 100_000 } else { 1_000_000 };
    let contestants: Vec<Ends> = CONTESTANTS.iter().copied().filter(|ends| options.runs(ends.0)).collect();
    measure::in_turns(
        &mut part,
        &contestants,
        1,
        options.rounds(),
        |ends| Pair::new(*ends),
        |pair| match pair {
            Ok(pair) => pair.round(octets, calls),
            Err(reason) => Err(reason.clone()),
        },
    );
    part
}

/// A server, and how to start its client.
struct Pair {
    server: Running,
    address: SocketAddr,
    ends: Ends,
}

impl Pair {
    fn new(ends: Ends) -> Result<Self, String> {
        let mut command = pinned("0", ends);
        let mut child =
            spawn(command.args(["serve", "127.0.0.1:0"]).stdin(Stdio::null()).stderr(Stdio::piped()))?;
        let stderr = child.stderr.take().ok_or("stderr is not piped")?;
        let server = Running(child);
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line).map_err(|error| error.to_string())?;
        let address = line.strip_prefix("listening frame ").and_then(|address| address.trim().parse().ok());
        let address = address.ok_or_else(|| format!("the server says {line:?}"))?;
        Ok(Self { server, address, ends })
    }

    /// Both ends' CPU time for each call; the client checks each answer, and warms up before.
    fn round(&self, octets: usize, calls: usize) -> Result<Sample, String> {
        let mut command = pinned("1", self.ends);
        command.args(["call", &self.address.to_string()]);
        command.args([octets, IN_FLIGHT, calls].map(|number| number.to_string()));
        let mut client = Tool::start(&mut command)?;
        client.expect("ready")?;
        let before = self.server.cpu_us()? + client.cpu_us()?;
        let (made, seconds) = client.go("calls in")?;
        let cost = self.server.cpu_us()? + client.cpu_us()? - before;
        Ok(Sample { value: cost / made, per_second: Some(made / seconds) })
    }
}

fn pinned(core: &str, Ends(_, program, form): Ends) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(root().join("target/release").join(program)).arg(form);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bases_take_part_and_names_are_unique() {
        let names: std::collections::BTreeSet<_> = CONTESTANTS.iter().map(|ends| ends.0).collect();
        assert_eq!(names.len(), CONTESTANTS.len());
        assert!(names.contains(&"tokio-util") && names.contains(&"tokio-util, timeouts"));
    }
}
