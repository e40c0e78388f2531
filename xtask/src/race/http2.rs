//! Who races over HTTP/2 in the clear, by prior knowledge, and over what.

use super::h2load::{self, Load};
use super::measure::{self, Sample, running};
use super::report::{Part, Row};
use super::server::{Contestant, Server};
use super::wrk::write;
use super::{Options, answer, holder, http2_holder, machine, nginx};
use crate::process::{output, root};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

/// Octets of a large body; the programs know it, too.
const LARGE: usize = 64 << 10;
const BODY: &str = "hello, world\n";

/// Packages whose versions are printed.
const PEERS: &[&str] = &["hyper", "h2", "hyper-util", "tokio"];

/// Those that the others are divided by.
const BASES: &[&str] = &["hyper", "nghttpd"];
const SERVERS: &[&str] = &["hyper", "nghttpd", "nginx", "ours-tower", "ours-native"];

/// Name, title and load of each part; short rounds have a tenth of the requests.
const LOADS: &[(&str, &str, Load)] = &[
    ("c1-m100", "One connection, 100 streams", small(1, 100, 200_000)),
    ("c10-m32", "10 connections, 32 streams each", small(10, 32, 200_000)),
    ("c1-m1", "One connection, one stream", small(1, 1, 40_000)),
    (
        "large",
        "Bodies of 64 KiB: 16 connections, 16 streams each",
        Load { connections: 16, streams: 16, requests: 16_000, path: "/bulk", body: LARGE },
    ),
];

/// What the rounds of `large` say of throughput.
const RATE: &str = "large-rate";

/// Connections that are held idle, in the part of this name.
const MANY: usize = 10_000;
const IDLE: &str = "idle";

/// The part of what is sent, and the answers that it asks for.
const WIRE: &str = "wire";
const WIRE_LOAD: Load = small(1, 10, 1000);

const fn small(connections: usize, streams: usize, requests: usize) -> Load {
    Load { connections, streams, requests, path: "/", body: BODY.len() }
}

pub(super) fn race(options: &Options) -> Result<(), String> {
    let wanted = |name: &str| options.parts.is_empty() || options.parts.iter().any(|part| part == name);
    let chosen: Vec<_> = LOADS.iter().filter(|(name, ..)| wanted(name)).collect();
    if chosen.is_empty() && !wanted(IDLE) && !wanted(WIRE) {
        return Err("no such part: c1-m100, c10-m32, c1-m1, large, wire, idle".into());
    }
    machine::build(&["hyper-http2"], &["ours-http2"])?;
    let mut parts = Vec::new();
    let mut commands = Vec::new();
    for (name, title, load) in chosen {
        let load = Load { requests: load.requests / if options.quick { 10 } else { 1 }, ..*load };
        let part = run(name, title, load, options)?;
        commands.push(format!("`taskset -c 1 h2load {} http://ADDR{}`", load.args().join(" "), load.path));
        let rate = (*name == "large").then(|| rate(&part));
        parts.push(part);
        parts.extend(rate);
    }
    if wanted(WIRE) {
        commands.push(format!("`h2load {}` for heads", WIRE_LOAD.args().join(" ")));
        parts.push(wire(options)?);
    }
    if wanted(IDLE) {
        commands.push("connections that have done one request and are left alone".into());
        holder::allow_files(MANY)?;
        parts.push(idle(options)?);
    }
    let mut machine = machine::describe("benches/peers/Cargo.lock", PEERS);
    machine.push(machine::says("h2load", "h2load", &["--version"]));
    machine.push(machine::says("nghttpd", "nghttpd", &["--version"]));
    machine.push(machine::says("nginx", "nginx", &["-v"]));
    println!("## HTTP/2: CPU time of the server, taking turns\n");
    for (name, value) in &machine {
        println!("- {name}: {value}");
    }
    println!(
        "- in the clear by prior knowledge; server on core 0 (`taskset -c 0`); {} rounds after one that does not \
         count; median, and ratios taken round by round\n- load: {}\n\
         - nghttpd reads files; nginx answers small requests from its configuration (`return 200`) and large ones from \
         a file; both send some fields more\n",
        options.rounds(),
        commands.join(", ")
    );
    measure::finish("http2", &parts, &machine, options)
}

/// CPU time for each request under a load, in microseconds.
fn run(name: &'static str, title: &str, load: Load, options: &Options) -> Result<Part, String> {
    let contestants = contestants(options)?;
    let mut part =
        Part { name, title: title.to_owned(), unit: "µs/request", bases: BASES.to_vec(), rows: Vec::new() };
    measure::in_turns(&mut part, &contestants, 1, options.rounds(), Server::start, |server| {
        let server = running(server)?;
        let before = server.cpu_us()?;
        let count = h2load::run(&server.url, load)?.count;
        server.quiesce()?;
        let cpu = server.cpu_us()? - before;
        Ok(Sample { value: cpu / count.requests, per_second: Some(count.per_second) })
    });
    Ok(part)
}

/// Octets of field blocks, which say how well each compresses.
fn wire(options: &Options) -> Result<Part, String> {
    let mut part = Part {
        name: WIRE,
        title: "The head of each small answer as it is sent".into(),
        unit: "bytes",
        bases: BASES.to_vec(),
        rows: Vec::new(),
    };
    measure::in_turns(&mut part, &contestants(options)?, 0, 1, Server::start, |server| {
        let heads = h2load::run(&running(server)?.url, WIRE_LOAD)?.heads;
        Ok(Sample { value: heads / WIRE_LOAD.requests as f64, per_second: None })
    });
    Ok(part)
}

fn idle(options: &Options) -> Result<Part, String> {
    let mut part = Part {
        name: IDLE,
        title: format!("Memory of each of {MANY} idle connections"),
        unit: "bytes",
        bases: BASES.to_vec(),
        rows: Vec::new(),
    };
    measure::idle(&mut part, &contestants(options)?, options.rounds().min(3), MANY, http2_holder::hold);
    Ok(part)
}

/// The same rounds, as octets of bodies for each second of CPU time.
fn rate(part: &Part) -> Part {
    let rows = part.rows.iter().map(|row| Row {
        // Octets in a microsecond are megabytes in a second.
        values: row.values.iter().map(|microseconds| LARGE as f64 / microseconds).collect(),
        void: row.void.clone(),
        ..Row::new(row.name)
    });
    Part {
        name: RATE,
        title: format!("{}: the same rounds, more is better", part.title),
        unit: "MB of body/CPU s",
        bases: part.bases.clone(),
        rows: rows.collect(),
    }
}

fn contestants(options: &Options) -> Result<Vec<Contestant>, String> {
    SERVERS.iter().filter(|name| options.runs(name)).map(|name| contestant(name)).collect()
}

fn contestant(name: &'static str) -> Result<Contestant, String> {
    let own = |folder: &str, program: &str, args: &[&str]| {
        let program = root().join(folder).join("release").join(program);
        (program, args.iter().map(|arg| (*arg).to_owned()).collect(), None)
    };
    let (program, args, address): (_, Vec<String>, _) = match name {
        "nginx" => {
            let (file, address) = nginx::configure("nginx-http2", nginx::Secure::No { http2: true }, LARGE)?;
            (PathBuf::from("nginx"), vec!["-c".into(), file.display().to_string()], Some(address))
        }
        "nghttpd" => {
            let (args, address) = nghttpd()?;
            (PathBuf::from("nghttpd"), args, Some(address))
        }
        "ours-native" => own("target", "ours-http2", &["native"]),
        "ours-tower" => own("target", "ours-http2", &["tower"]),
        _ => own("benches/peers/target", "hyper-http2", &[]),
    };
    let check = if address.is_some() { check_foreign } else { check_exactly };
    Ok(Contestant { name, program, args, address, check, scheme: "http" })
}

/// Writes the files that nghttpd serves; its arguments, and where it will listen.
fn nghttpd() -> Result<(Vec<String>, SocketAddr), String> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.map_err(|error| format!("no free port: {error}"))?;
    let small = write("nghttpd/index.html", BODY)?;
    write("nghttpd/bulk", &"x".repeat(LARGE))?;
    let types = write("mime.types", "text/plain html\n")?;
    let folder = small.parent().unwrap_or(&small).display().to_string();
    let types = format!("--mime-types-file={}", types.display());
    let port = address.port().to_string();
    let args = ["-a", "127.0.0.1", "--no-tls", "-d", &folder, &types, &port];
    Ok((args.map(str::to_owned).to_vec(), address))
}

fn check_exactly(address: SocketAddr) -> Result<(), String> {
    check(address, str::to_owned)
}

fn check_foreign(address: SocketAddr) -> Result<(), String> {
    check(address, nginx::plain)
}

/// Asks for both bodies once. `plain`: what it leaves out of an answer may differ.
fn check(address: SocketAddr, plain: impl Fn(&str) -> String) -> Result<(), String> {
    let ask = |path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-i", "--http2-prior-knowledge", "--max-time", "10"]);
        output(curl.arg(format!("http://{address}{path}")))
    };
    answer::check(&as_http1(&plain(&ask("/")?))?)?;
    check_large(&ask("/bulk")?)
}

/// HTTP/2 has no reason phrase, which curl shows as an empty one.
fn as_http1(answer: &str) -> Result<String, String> {
    let rest = answer.strip_prefix("HTTP/2 200 \r\n");
    let rest = rest.ok_or_else(|| format!("no `HTTP/2 200` in {answer:?}"))?;
    Ok(format!("HTTP/1.1 200 OK\r\n{rest}"))
}

fn check_large(answer: &str) -> Result<(), String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no end of head")?;
    let right = head.starts_with("HTTP/2 200 \r\n")
        && head.lines().any(|line| line == format!("content-length: {LARGE}"))
        && body.len() == LARGE
        && body.bytes().all(|octet| octet == b'x');
    if right { Ok(()) } else { Err(format!("wrong large body of {} octets after {head:?}", body.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_base_takes_part() {
        assert!(BASES.iter().all(|base| SERVERS.contains(base)));
    }

    #[test]
    fn large_bodies_are_looked_at() {
        let good = format!("HTTP/2 200 \r\ncontent-length: {LARGE}\r\n\r\n{}", "x".repeat(LARGE));
        assert_eq!(check_large(&good), Ok(()));
        assert!(check_large(&good[..good.len() - 1]).is_err());
        assert!(check_large(&good.replace("200", "404")).is_err());
        assert!(check_large(&good.replace("content-length", "a")).is_err());
    }

    #[test]
    fn only_http2_is_taken() {
        assert!(as_http1("HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(as_http1("HTTP/2 200 \r\na: b\r\n\r\n").unwrap(), "HTTP/1.1 200 OK\r\na: b\r\n\r\n");
    }

    #[test]
    fn rates_are_of_the_same_rounds() {
        let row = Row { values: vec![65.536, 131.072], ..Row::new("hyper") };
        let part = Part { rows: vec![row], ..Part::default() };
        assert_eq!(rate(&part).rows[0].values, [1000.0, 500.0]);
    }
}
