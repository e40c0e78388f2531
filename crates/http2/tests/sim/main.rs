//! Client and server against each other in the simulator: many exchanges at once, in both directions, with bodies,
//! trailers, interim responses, pushes, priorities, resets from both sides, small windows, bytes split anywhere, and
//! connections that are cut. What is complete must be exact; nothing may hang, grow without bound or lose credit.

mod client;
mod plan;
mod server;
mod side;

use std::time::Duration;

use wirelace_http2::Connection;
use wirelace_sim::{End, Pair, Peer as _};

use client::Client;
use plan::Plan;
use server::Server;

/// What came of all exchanges.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    complete: u64,
    reset: u64,
    lost: u64,
    pushed: u64,
    credit_compared: u64,
}

fn check(seed: u64, keep_steps: usize, totals: &mut Totals) -> Result<(), String> {
    let plan = Plan::new(seed, keep_steps);
    let cut = plan.is_cut();
    let mut pair = Pair::new(seed, plan.settings.clone(), |now| {
        let client = Connection::client(plan.client_limits.clone(), false, now);
        let server = Connection::server(plan.server_limits.clone(), false, now);
        (Client::new(client, plan.clone()), Server::new(server, plan.clone()))
    });
    let outcome = pair.run();
    let trace = pair.trace().to_string();
    let wrong = |what: String| Err(format!("seed {seed}: {what}\n{outcome:?}\n{}\n{trace}", plan.describe()));
    if !matches!(outcome.end, End::Closed) || outcome.elapsed > Duration::from_secs(7200) {
        let sides = (pair.client().state(), pair.server().state());
        return wrong(format!("it hangs\n{}\n{}", sides.0, sides.1));
    }
    let server_error = pair.server().side.error;
    let client_error = pair.client().side.error;
    if !cut && (server_error.is_some() || client_error.is_some()) {
        return wrong(format!("broken: {client_error:?} {server_error:?}"));
    }
    let faults = (pair.client().side.faults.clone(), pair.server().side.faults.clone());
    if !faults.0.is_empty() || !faults.1.is_empty() {
        return wrong(format!("{faults:?}"));
    }
    for number in 0..plan.exchanges.len() {
        match pair.client().verdict(number) {
            Ok(client::Verdict::Complete) => totals.complete += 1,
            Ok(client::Verdict::Reset) => totals.reset += 1,
            Ok(client::Verdict::Lost) if cut => totals.lost += 1,
            Ok(client::Verdict::Lost) => return wrong(format!("exchange {number} has no end")),
            Err(what) => return wrong(format!("exchange {number}: {what}")),
        }
    }
    totals.pushed += pair.client().pushes_taken;
    if !cut {
        // Whatever was reset, thrown away or came too late: no credit is lost, none given twice.
        for machine in [pair.client().machine().receive_window(), pair.server().machine().receive_window()] {
            let all = machine.available + i64::from(machine.to_grant) + machine.held as i64;
            if all != i64::from(machine.size) {
                return wrong(format!("credit was lost: {machine:?}"));
            }
            totals.credit_compared += 1;
        }
    }
    Ok(())
}

#[test]
fn many_exchanges_at_once() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let mut totals = Totals::default();
    if let Some(seed) = number("WIRELACE_SEED") {
        check(seed, 1_000_000, &mut totals).unwrap_or_else(|wrong| panic!("{wrong}"));
        return;
    }
    let seeds = number("WIRELACE_SEEDS").unwrap_or(300);
    for seed in 0..seeds {
        if let Err(wrong) = check(seed, 0, &mut totals) {
            panic!("{}", check(seed, 80, &mut totals).err().unwrap_or(wrong));
        }
    }
    println!("{seeds} seeds: {totals:?}");
    assert!(totals.complete > seeds, "{totals:?}");
    assert!(totals.reset > seeds / 10 && totals.pushed > seeds / 20 && totals.lost > 0, "{totals:?}");
}
