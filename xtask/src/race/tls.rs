//! Who races over HTTP/1.1 within TLS 1.3, and over what.

use super::measure::{self, Sample, loaded, running};
use super::report::Part;
use super::server::{Contestant, Server};
use super::tool::Tool;
use super::wrk::{Form, Load};
use super::{Options, answer, holder, machine, nginx};
use crate::process::{output, root};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

const FEW: usize = 64;
/// Connections that move large bodies.
const BULK_CONNECTIONS: usize = 8;
const MANY: usize = 10_000;
/// Clients that shake hands at a time.
const TASKS: usize = 16;
/// Octets of a large body; the programs know it, too.
const BULK: usize = 1 << 20;
const GIB: f64 = (1 << 30) as f64;

/// Packages whose versions are printed.
const PEERS: &[&str] = &["hyper", "tokio-rustls", "rustls", "ring", "tokio"];

/// Names; "hyper-tickets" only where sessions are resumed, those in the clear only for small requests.
const SERVERS: &[&str] = &["hyper", "hyper-tickets", "nginx", "ours-tower", "ours-native"];
const IN_THE_CLEAR: &[&str] = &["hyper-plain", "nginx-plain", "ours-tower-plain", "ours-native-plain"];

pub(super) fn race(options: &Options) -> Result<(), String> {
    machine::build(&["hyper-tls", "tls-load"], &["ours-tls"])?;
    holder::allow_files(MANY)?;
    certificate()?;
    let mut parts: Vec<Part> = plan()
        .into_iter()
        .filter(|part| options.parts.is_empty() || options.parts.iter().any(|name| name == part.name))
        .collect();
    if parts.is_empty() {
        return Err(
            "no such part: small, full, resumed, full-close, resumed-close, bulk, upload, idle".into()
        );
    }
    for part in &mut parts {
        run(part, options)?;
    }
    let mut machine = machine::describe("benches/peers/Cargo.lock", PEERS);
    machine.push(machine::wrk());
    machine.push(machine::says("nginx", "nginx", &["-v"]));
    machine.push(machine::says("openssl", "openssl", &["version"]));
    println!("## HTTP/1.1 within TLS 1.3: CPU time of the server, taking turns\n");
    for (name, value) in &machine {
        println!("- {name}: {value}");
    }
    println!(
        "- ECDSA P-256 certificate, TLS_AES_128_GCM_SHA256, X25519; server on core 0, load on core 1 (`wrk -t1 \
         -c{FEW}`, for large bodies `-c{BULK_CONNECTIONS}`; handshakes: {TASKS} at a time by tokio-rustls's client), \
         {} rounds after one that does not count; median, and ratios taken round by round\n\
         - nginx answers small requests from its configuration (`return 200`) and large ones from a file\n",
        options.rounds()
    );
    measure::finish("tls", &parts, &machine, options)
}

fn plan() -> Vec<Part> {
    let part = |name, title: String, unit, bases: &[&'static str]| Part {
        name,
        title,
        unit,
        bases: bases.to_vec(),
        rows: Vec::new(),
    };
    let hyper = &["hyper"];
    vec![
        part(
            "small",
            format!("Small requests, {FEW} connections kept"),
            "µs/request",
            &["hyper", "hyper-plain"],
        ),
        part(
            "full",
            "New connection, full handshake, one request, closed by the client".into(),
            "µs/connection",
            hyper,
        ),
        part("resumed", "The same, session resumed".into(), "µs/connection", &["hyper", "hyper-tickets"]),
        // After its last word ours listens to the client a while (RFC 9112 §9.6); hyper does not.
        part(
            "full-close",
            "Full handshake, one request, closed by the server".into(),
            "µs/connection",
            hyper,
        ),
        part(
            "resumed-close",
            "The same, session resumed".into(),
            "µs/connection",
            &["hyper", "hyper-tickets"],
        ),
        part("bulk", "Bodies of 1 MiB sent".into(), "CPU s/GiB", hyper),
        part("upload", "Bodies of 1 MiB received".into(), "CPU s/GiB", hyper),
        part("idle", format!("Memory of each of {MANY} idle connections"), "bytes", hyper),
    ]
}

fn run(part: &mut Part, options: &Options) -> Result<(), String> {
    let mut names: Vec<&'static str> = SERVERS.to_vec();
    names.retain(|name| part.name.starts_with("resumed") || *name != "hyper-tickets");
    if part.name == "small" {
        names.extend(IN_THE_CLEAR);
    }
    let contestants: Vec<Contestant> = names
        .iter()
        .filter(|name| options.runs(name))
        .map(|name| contestant(name))
        .collect::<Result<_, _>>()?;
    let rounds = options.rounds();
    let seconds = if options.quick { 1 } else { 3 };
    let load = |connections, path, form| Load { connections, seconds, path, form };
    match part.name {
        "small" => measure::cost(part, &contestants, rounds, load(FEW, "/", Form::Plain)),
        "bulk" => bulk(part, &contestants, rounds, load(BULK_CONNECTIONS, "/bulk", Form::Plain)),
        "upload" => bulk(part, &contestants, rounds, load(BULK_CONNECTIONS, "/", Form::Upload(BULK))),
        "idle" => measure::idle(part, &contestants, rounds.min(3), MANY, hold),
        kind => handshakes(part, &contestants, rounds, kind, if options.quick { 1_000 } else { 3_000 }),
    }
    Ok(())
}

/// CPU time for each GiB of bodies, in seconds.
fn bulk(part: &mut Part, contestants: &[Contestant], rounds: usize, load: Load) {
    measure::in_turns(part, contestants, 1, rounds, Server::start, |server| {
        let (cpu, count) = loaded(running(server)?, load)?;
        Ok(Sample {
            value: cpu / 1e6 / (count.requests * BULK as f64 / GIB),
            per_second: Some(count.per_second),
        })
    });
}

/// CPU time for each new connection, in microseconds.
fn handshakes(part: &mut Part, contestants: &[Contestant], rounds: usize, kind: &str, count: usize) {
    measure::in_turns(part, contestants, 1, rounds, Server::start, |server| {
        let server = running(server)?;
        let (kind, closed_by_server) = kind.split_once('-').map_or((kind, false), |(kind, _)| (kind, true));
        let mut command = tls_load(server.address);
        command.args([kind, &TASKS.to_string(), &count.to_string()]);
        if closed_by_server {
            command.arg("close");
        }
        let mut load = Tool::start(&mut command)?;
        load.expect("ready")?;
        server.quiesce()?;
        let before = server.cpu_us()?;
        let (made, seconds) = load.go("handshakes in")?;
        server.quiesce()?;
        Ok(Sample { value: (server.cpu_us()? - before) / made, per_second: Some(made / seconds) })
    });
}

fn hold(address: SocketAddr, count: usize) -> Result<Tool, String> {
    let mut tool = Tool::start(tls_load(address).args(["hold", &count.to_string()]))?;
    tool.expect("held")?;
    Ok(tool)
}

/// The load that is not wrk's.
fn tls_load(address: SocketAddr) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "1"]).arg(peer("tls-load")).arg(address.to_string()).arg(chain());
    command
}

fn peer(name: &str) -> PathBuf {
    root().join("benches/peers/target/release").join(name)
}

fn chain() -> PathBuf {
    root().join("target/race/cert.pem")
}

fn key() -> PathBuf {
    root().join("target/race/key.pem")
}

/// Makes the certificate that all servers have.
fn certificate() -> Result<(), String> {
    std::fs::create_dir_all(root().join("target/race")).map_err(|error| format!("target/race: {error}"))?;
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
    ]);
    command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    output(command.arg("-keyout").arg(key()).arg("-out").arg(chain())).map(drop)
}

fn contestant(name: &'static str) -> Result<Contestant, String> {
    let tls = !name.ends_with("plain");
    let mut args: Vec<String> = match name {
        _ if name.starts_with("ours-native") => vec!["native".into()],
        _ if name.starts_with("ours-tower") => vec!["tower".into()],
        _ => Vec::new(),
    };
    let (chain, key) = (chain(), key());
    let (program, address) = if name.starts_with("nginx") {
        let secure = nginx::Secure::Tls { chain: &chain, key: &key };
        let secure = if tls { secure } else { nginx::Secure::No { http2: false } };
        let (file, address) = nginx::configure(if tls { "nginx-tls" } else { "nginx-plain" }, secure, BULK)?;
        args = vec!["-c".into(), file.display().to_string()];
        (PathBuf::from("nginx"), Some(address))
    } else {
        if tls {
            args.extend([&chain, &key].map(|path| path.display().to_string()));
        }
        if name == "hyper-tickets" {
            args.push("tickets".into());
        }
        let ours = root().join("target/release/ours-tls");
        (if name.starts_with("ours") { ours } else { peer("hyper-tls") }, None)
    };
    Ok(Contestant {
        name,
        program,
        args,
        address,
        check: if tls { check_tls } else { check_plain },
        scheme: if tls { "https" } else { "http" },
    })
}

fn check_tls(address: SocketAddr) -> Result<(), String> {
    for request in [["get", "/"], ["post", "/"], ["get", "/bulk"]] {
        let text = nginx::plain(&output(tls_load(address).args(request))?);
        if request == ["get", "/bulk"] {
            check_large(&text)?;
        } else {
            answer::check(&text)?;
        }
    }
    Ok(())
}

fn check_large(answer: &str) -> Result<(), String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no end of head")?;
    let right = head.starts_with("HTTP/1.1 200 OK\r\n")
        && body.len() == BULK
        && body.bytes().all(|octet| octet == b'x');
    if right { Ok(()) } else { Err(format!("wrong large body of {} octets after {head:?}", body.len())) }
}

fn check_plain(address: SocketAddr) -> Result<(), String> {
    answer::check(&nginx::plain(&answer::once(address)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_base_takes_part() {
        for part in plan() {
            assert!(part.bases.iter().all(|base| SERVERS.contains(base) || IN_THE_CLEAR.contains(base)));
        }
    }

    #[test]
    fn large_bodies_are_looked_at() {
        let good = format!("HTTP/1.1 200 OK\r\na: b\r\n\r\n{}", "x".repeat(BULK));
        assert_eq!(check_large(&good), Ok(()));
        assert!(check_large(&good[..good.len() - 1]).is_err());
        assert!(check_large(&good.replace("200", "404")).is_err());
    }
}
