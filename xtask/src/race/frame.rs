//! Request and response over one loopback connection: ours against what is written by hand on tokio-util's codec.

use super::measure::{self, Contestant, Sample};
use super::report::Part;
use super::{Options, machine, server};
use crate::process::root;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const IN_FLIGHT: usize = 64;

/// Name, program of `benches` and its first argument.
const CONTESTANTS: &[(&str, &str, &str)] = &[
    ("tokio-util", "frame-tokio-util", "plain"),
    ("tokio-util, timeouts", "frame-tokio-util", "timeout"),
    ("tokio-util, timeouts, concurrent handlers", "frame-tokio-util", "concurrent"),
    ("ours, extended form", "frame-ours", "extended"),
    ("ours, base form", "frame-ours", "base"),
];

pub(super) fn race(options: &Options) -> Result<(), String> {
    machine::build_ours()?;
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
    let contestants: Vec<Contestant> = CONTESTANTS
        .iter()
        .filter(|(name, ..)| options.runs(name))
        .map(|(name, program, _)| Contestant { name, program: root().join("target/release").join(program) })
        .collect();
    let start = |contestant: &Contestant| {
        let form =
            CONTESTANTS.iter().find(|(name, ..)| *name == contestant.name).map_or("", |(.., form)| form);
        Pair::new(contestant, form)
    };
    measure::in_turns(&mut part, &contestants, 1, options.rounds(), start, |pair| match pair {
        Ok(pair) => pair.round(octets, calls),
        Err(reason) => Err(reason.clone()),
    });
    part
}

/// A server, and how to start its client.
struct Pair {
    server: Running,
    address: SocketAddr,
    program: Contestant,
    form: &'static str,
}

impl Pair {
    fn new(program: &Contestant, form: &'static str) -> Result<Self, String> {
        let mut command = pinned("0", program, form);
        let mut child =
            spawn(command.args(["serve", "127.0.0.1:0"]).stdin(Stdio::null()).stderr(Stdio::piped()))?;
        let stderr = child.stderr.take().ok_or("stderr is not piped")?;
        let server = Running(child);
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line).map_err(|error| error.to_string())?;
        let address = line.strip_prefix("listening frame ").and_then(|address| address.trim().parse().ok());
        let address = address.ok_or_else(|| format!("the server says {line:?}"))?;
        Ok(Self { server, address, program: program.clone(), form })
    }

    /// Both ends' CPU time for each call; the client checks each answer, and warms up before.
    fn round(&self, octets: usize, calls: usize) -> Result<Sample, String> {
        let mut command = pinned("1", &self.program, self.form);
        command.args(["call", &self.address.to_string()]);
        command.args([octets, IN_FLIGHT, calls].map(|number| number.to_string()));
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let client = Running(child);
        let (mut stdin, mut stdout): (ChildStdin, _) =
            (stdin.ok_or("stdin is not piped")?, BufReader::new(stdout.ok_or("stdout is not piped")?));
        expect(&mut stdout, "ready")?;
        let before = self.server.cpu_us()? + client.cpu_us()?;
        stdin.write_all(b"go\n").map_err(|error| error.to_string())?;
        let line = expect(&mut stdout, "calls in")?;
        let cost = self.server.cpu_us()? + client.cpu_us()? - before;
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
        let (Some(made), Some(seconds)) = (numbers.next(), numbers.next()) else {
            return Err(format!("the client says {line:?}"));
        };
        Ok(Sample { value: cost / made, per_second: Some(made / seconds) })
    }
}

fn pinned(core: &str, program: &Contestant, form: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(&program.program).arg(form);
    command
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))
}

fn expect(stdout: &mut BufReader<ChildStdout>, part: &str) -> Result<String, String> {
    let mut line = String::new();
    stdout.read_line(&mut line).map_err(|error| error.to_string())?;
    if line.contains(part) { Ok(line) } else { Err(format!("no `{part}` but {line:?} from the client")) }
}

/// A process that ends when this is dropped.
struct Running(Child);

impl Running {
    fn cpu_us(&self) -> Result<f64, String> {
        server::cpu_us(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing to do about a process that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bases_take_part_and_names_are_unique() {
        let names: std::collections::BTreeSet<_> = CONTESTANTS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), CONTESTANTS.len());
        assert!(names.contains(&"tokio-util") && names.contains(&"tokio-util, timeouts"));
    }
}
