//! Who races over HTTP/1, and over what.

use super::report::Part;
use super::server::Contestant;
use super::wrk::{DEPTH, Form, Load};
use super::{Options, answer, holder, machine, measure};
use crate::process::root;

const FEW: usize = 64;
const MANY: usize = 10_000;

/// Packages whose versions are printed.
const PEERS: &[&str] = &["hyper", "hyper-util", "actix-http", "actix-server", "axum", "httparse", "tokio"];

/// Floor, peers, ours; a name is a binary of `benches/peers`, or of `benches` when it starts with "ours".
const SERVERS: &[&str] = &["raw", "hyper", "hyper-flush", "actix", "ours-tower", "ours-native"];

/// The same axum router on both sides.
const ROUTERS: &[&str] = &["axum", "axum-flush", "ours-axum"];

pub(super) fn race(options: &Options) -> Result<(), String> {
    machine::build(&[], &[])?;
    holder::allow_files(MANY)?;
    let mut parts: Vec<Part> = plan()
        .into_iter()
        .filter(|part| options.parts.is_empty() || options.parts.iter().any(|name| name == part.name))
        .collect();
    if parts.is_empty() {
        return Err("no such part: plain, pipelined, axum, axum-pipelined, idle, growth".into());
    }
    for part in &mut parts {
        run(part, options);
    }
    let mut machine = machine::describe("benches/peers/Cargo.lock", PEERS);
    machine.push(machine::wrk());
    println!("## HTTP/1.1: CPU time of the server, taking turns\n");
    for (name, value) in &machine {
        println!("- {name}: {value}");
    }
    let seconds = seconds(options);
    println!(
        "- server on core 0, `taskset -c 1 wrk -t1 -c{FEW} -d{seconds}s`, {} rounds after one that does not \
         count; median, and ratios taken round by round\n",
        options.rounds()
    );
    measure::finish("http1", &parts, &machine, options)
}

/// Seconds of load in a round.
fn seconds(options: &Options) -> u32 {
    if options.quick { 1 } else { 3 }
}

fn plan() -> Vec<Part> {
    let cost = |name, title: String, bases: &[&'static str]| Part {
        name,
        title,
        unit: "µs/request",
        bases: bases.to_vec(),
        rows: Vec::new(),
    };
    vec![
        cost("plain", format!("Plain, {FEW} connections"), &["raw", "hyper"]),
        cost(
            "pipelined",
            format!("{DEPTH} requests pipelined, {FEW} connections"),
            &["raw", "hyper", "hyper-flush"],
        ),
        cost("axum", format!("axum router, plain, {FEW} connections"), &["axum"]),
        cost(
            "axum-pipelined",
            format!("axum router, {DEPTH} requests pipelined, {FEW} connections"),
            &["axum", "axum-flush"],
        ),
        Part {
            name: "idle",
            title: format!("Memory of each of {MANY} idle connections"),
            unit: "bytes",
            bases: vec!["hyper"],
            rows: Vec::new(),
        },
        Part {
            name: "growth",
            title: format!("Cost of a request with {MANY} busy connections over that with {FEW}"),
            unit: "times",
            bases: vec!["hyper"],
            rows: Vec::new(),
        },
    ]
}

fn run(part: &mut Part, options: &Options) {
    let names = if part.name.starts_with("axum") { ROUTERS } else { SERVERS };
    let contestants: Vec<Contestant> =
        names.iter().filter(|name| options.runs(name)).map(|name| contestant(name)).collect();
    let seconds = seconds(options);
    let form = if part.name.ends_with("pipelined") { Form::Pipelined } else { Form::Plain };
    let load = Load { connections: FEW, seconds, path: "/", form };
    match part.name {
        "idle" => measure::idle(part, &contestants, options.rounds().min(3), MANY, holder::hold),
        "growth" => {
            // Long enough that each connection does its share.
            let many = Load { connections: MANY, seconds: seconds * 4, ..load };
            measure::growth(part, &contestants, options.rounds(), load, many);
        }
        _ => measure::cost(part, &contestants, options.rounds(), load),
    }
}

fn contestant(name: &'static str) -> Contestant {
    let folder = if name.starts_with("ours") { "target/release" } else { "benches/peers/target/release" };
    Contestant {
        name,
        program: root().join(folder).join(name),
        args: Vec::new(),
        address: None,
        check: answer::check_server,
        scheme: "http",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_base_takes_part() {
        for part in plan() {
            let names = if part.name.starts_with("axum") { ROUTERS } else { SERVERS };
            assert!(part.bases.iter().all(|base| names.contains(base)), "{}", part.name);
        }
    }
}
