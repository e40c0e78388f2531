//! Rounds in turns, and what a round measures.

use super::holder::hold;
use super::report::{Part, Row};
use super::server::{Contestant, Server};
use super::wrk::{self, Count, Load};
use super::{Options, machine};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

/// How long idle connections are left alone before memory is read.
const IDLE: Duration = Duration::from_secs(4);

/// Whatever takes part.
pub(super) trait Named {
    fn name(&self) -> &'static str;
}

impl Named for Contestant {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// What one round of one contestant gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) value: f64,
    pub(super) per_second: Option<f64>,
}

/// CPU time for each request under a load, in microseconds.
pub(super) fn cost(part: &mut Part, contestants: &[Contestant], rounds: usize, load: Load) {
    in_turns(part, contestants, 1, rounds, Server::start, |server| {
        let (cpu, count) = loaded(running(server)?, load)?;
        Ok(Sample { value: cpu / count.requests, per_second: Some(count.per_second) })
    });
}

/// CPU time for each request with many busy connections over that with few.
///
/// Opening and closing the many is taken out: as many that do one request each are timed beside it.
pub(super) fn growth(part: &mut Part, contestants: &[Contestant], rounds: usize, few: Load, many: Load) {
    in_turns(part, contestants, 1, rounds, Server::start, |server| {
        let server = running(server)?;
        let (cpu, count) = loaded(server, few)?;
        let cost_of_few = cpu / count.requests;
        let before = server.cpu_us()?;
        drop(hold(server.address, many.connections)?);
        server.quiesce()?;
        let opening = server.cpu_us()? - before;
        let (cpu, count) = loaded(server, many)?;
        let requests = count.requests - many.connections as f64;
        if requests < many.connections as f64 {
            return Err(format!("only {} requests, too few to tell", count.requests));
        }
        Ok(Sample { value: (cpu - opening) / requests / cost_of_few, per_second: Some(count.per_second) })
    });
}

/// Resident bytes for each connection that has done one request and is idle.
///
/// A fresh process each time: an allocator does not give back what it once had. `hold`: opens them; they close when
/// its result is dropped.
pub(super) fn idle<H>(
    part: &mut Part,
    contestants: &[Contestant],
    rounds: usize,
    connections: usize,
    hold: impl Fn(SocketAddr, usize) -> Result<H, String>,
) {
    in_turns(part, contestants, 0, rounds, Contestant::clone, |contestant| {
        let server = Server::start(contestant)?;
        let before = server.resident()?;
        let held = hold(server.address, connections)?;
        std::thread::sleep(IDLE);
        let value = (server.resident()? - before) / connections as f64;
        drop(held);
        Ok(Sample { value, per_second: None })
    });
}

pub(super) fn running(server: &Result<Server, String>) -> Result<&Server, String> {
    server.as_ref().map_err(Clone::clone)
}

/// The server's CPU time over one run of wrk, and what wrk counted.
pub(super) fn loaded(server: &Server, load: Load) -> Result<(f64, Count), String> {
    let before = server.cpu_us()?;
    let count = wrk::run(&server.url, load)?;
    server.quiesce()?;
    Ok((server.cpu_us()? - before, count))
}

/// A B C … A B C …; the first `warm_up` rounds do not count, and an error voids its row.
pub(super) fn in_turns<C: Named, S>(
    part: &mut Part,
    contestants: &[C],
    warm_up: usize,
    rounds: usize,
    start: impl Fn(&C) -> S,
    mut round: impl FnMut(&mut S) -> Result<Sample, String>,
) {
    let mut states: Vec<S> = contestants.iter().map(start).collect();
    part.rows = contestants.iter().map(|contestant| Row::new(contestant.name())).collect();
    for number in 0..warm_up + rounds {
        for (state, row) in states.iter_mut().zip(&mut part.rows) {
            if row.void.is_some() {
                continue;
            }
            match round(state) {
                Ok(sample) => {
                    eprintln!(
                        "{} {}/{} {}: {:.3}",
                        part.name,
                        number + 1,
                        warm_up + rounds,
                        row.name,
                        sample.value
                    );
                    if number >= warm_up {
                        row.values.push(sample.value);
                        row.per_second.extend(sample.per_second);
                    }
                }
                Err(reason) => {
                    eprintln!("{} {}: void: {reason}", part.name, row.name);
                    row.void = Some(reason);
                }
            }
        }
    }
}

/// Prints the tables, writes them where the options say, and fails when a row is void.
pub(super) fn finish(
    race: &str,
    parts: &[Part],
    machine: &[(String, String)],
    options: &Options,
) -> Result<(), String> {
    for part in parts {
        println!("{}", part.markdown());
    }
    if let Some(path) = &options.json {
        let value = json!({
            "race": race,
            "quick": options.quick,
            "machine": machine::json(machine),
            "parts": parts.iter().map(Part::json).collect::<Vec<_>>(),
        });
        std::fs::write(path, format!("{value:#}\n"))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let void = parts.iter().flat_map(|part| &part.rows).filter(|row| row.void.is_some()).count();
    if void == 0 { Ok(()) } else { Err(format!("{void} void rows")) }
}
