//! Sessions against each other in the simulator: both sides ask and answer, in parts, out of order, with little
//! credit, cancellations, deadlines and cuts. Every call ends exactly once, nothing hangs, no credit leaks.
//!
//! `WIRELACE_SEEDS` is the number of seeds (300 otherwise), `WIRELACE_SEED` runs a single one with its trace.

mod plan;
mod side;

use std::sync::Arc;

use plan::Plan;
use side::{Ending, Side};
use wirelace_sim::{End, Pair};
use wirelace_wire_codec::session::{Form, Session};

/// What many runs came to, to see that they are not all of one kind.
#[derive(Debug, Default)]
struct Tally {
    complete: usize,
    failed: usize,
    cancelled: usize,
    unsent: usize,
    lost: usize,
    errors: usize,
    base: usize,
    checksums: usize,
    credit_compared: usize,
}

fn check(seed: u64, keep_steps: usize, tally: &mut Tally) -> Result<(), String> {
    let plan = Arc::new(Plan::new(seed, keep_steps));
    let mut pair = Pair::new(seed, plan.settings.clone(), |now| {
        let client = Session::initiator(plan.client.options.clone(), now);
        let server = Session::acceptor(plan.server.options.clone(), now);
        (Side::new(client, &plan.client, true), Side::new(server, &plan.server, false))
    });
    let outcome = pair.run();
    let trace = pair.trace().to_string();
    judge(&plan, outcome.end, &mut pair, tally).map_err(|wrong| {
        let (client, server) = (pair.client().summary(), pair.server().summary());
        format!("seed {seed}: {wrong}\n{outcome:?}\n{plan:?}\nclient {client}\nserver {server}\n{trace}")
    })
}

fn judge(plan: &Plan, end: End, pair: &mut Pair<Side, Side>, tally: &mut Tally) -> Result<(), String> {
    if end != End::Closed {
        return Err("it hangs".into());
    }
    let wrong = pair.client().wrong.first().cloned();
    if let Some(wrong) = wrong.or_else(|| pair.server().wrong.first().cloned()) {
        return Err(wrong);
    }
    let (client, server) = (pair.client().form, pair.server().form);
    if !plan.is_cut && server.is_some() && client != server {
        return Err(format!("forms differ: {client:?} and {server:?}"));
    }
    match client {
        Some(Form::Base) => tally.base += 1,
        Some(Form::Extended { checksum: true }) => tally.checksums += 1,
        _ => {}
    }
    let errors = [&pair.client().error.clone(), &pair.server().error.clone()].into_iter().flatten().count();
    if errors > 0 && !plan.is_cut {
        return Err("an error without a cut".into());
    }
    tally.errors += errors;
    let ends = |side: &mut Side| (side.endings(), side.was_reset || side.form.is_none());
    for (endings, reset) in [ends(pair.client()), ends(pair.server())] {
        for (request, ending) in endings.into_iter().enumerate() {
            match ending {
                Some(Ending::Complete) => tally.complete += 1,
                Some(Ending::Failed) => tally.failed += 1,
                Some(Ending::Cancelled) => tally.cancelled += 1,
                Some(Ending::Unsent) => tally.unsent += 1,
                None if reset => tally.lost += 1,
                None => return Err(format!("request {request} never ended")),
            }
        }
    }
    let client = pair.client().session.stats();
    let server = pair.server().session.stats();
    if !plan.is_cut {
        if server.under_way != 0 || client.under_way != 0 {
            return Err("exchanges are left over".into());
        }
        // The server has read all that the client sent.
        if matches!(pair.server().form, Some(Form::Extended { .. })) {
            if server.credit > client.window || client.window + client.held > plan.client.window() {
                return Err(format!("credit {} for a window of {}", server.credit, client.window));
            }
            // What the client did not read before it left is on its way for ever.
            let lost = server.payload_sent - client.payload_received;
            if plan.server.messages == 0 && server.credit + lost != client.window {
                return Err(format!("credit {} leaks from a window of {}", server.credit, client.window));
            }
            tally.credit_compared += 1;
        }
    }
    Ok(())
}

#[test]
fn every_call_ends_once() {
    if let Some(seed) = std::env::var("WIRELACE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        check(seed, 10_000, &mut Tally::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
        return;
    }
    let seeds = std::env::var("WIRELACE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let mut tally = Tally::default();
    for seed in 0..seeds {
        check(seed, 60, &mut tally).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    eprintln!("{tally:?}");
    let Tally { complete, failed, cancelled, unsent, errors, base, checksums, credit_compared, .. } = tally;
    for count in [complete, failed, cancelled, unsent, errors, base, checksums, credit_compared] {
        assert!(count > 0, "{tally:?}");
    }
}
