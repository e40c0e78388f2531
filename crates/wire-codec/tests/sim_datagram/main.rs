//! Datagram clients and a server against each other in the simulator: loss, repeats, another order, changed bits,
//! limits, cancellations and deadlines. Every call ends exactly once and in time, with the answer to its request;
//! what has an id is handled once; nothing is left over.
//!
//! `WIRELACE_SEEDS` is the number of seeds (300 otherwise), `WIRELACE_SEED` runs a single one with its trace.

mod attacks;
mod plan;
mod world;

use plan::{CallPlan, Handling, Plan, What};
use wirelace_wire_codec::ErrorCode;
use world::{Ending, World};

/// What many runs came to, to see that they are not all of one kind.
#[derive(Debug, Default)]
struct Tally {
    calls: usize,
    answered: usize,
    alive: usize,
    failed: usize,
    refused: usize,
    timed_out: usize,
    cancelled: usize,
    messages: usize,
    base: usize,
    handled: u64,
    handled_again: usize,
    sent: u64,
    retransmitted: u64,
    resent: u64,
    repeats: u64,
    wrong: u64,
    dropped: u64,
    cancelled_requests: u64,
}

fn check(seed: u64, traced: bool, tally: &mut Tally) -> Result<(), String> {
    let plan = Plan::new(seed);
    let mut world = World::new(seed, &plan, traced);
    world.run();
    let wrong = world.wrong.first().cloned().or_else(|| judge(&plan, &world, tally).err());
    match wrong {
        Some(wrong) => Err(format!("{}seed {seed}: {wrong}\n{plan:?}", world.trace())),
        None => Ok(()),
    }
}

fn judge(plan: &Plan, world: &World, tally: &mut Tally) -> Result<(), String> {
    for (number, (client, its)) in world.clients.iter().zip(&plan.clients).enumerate() {
        for (index, call) in client.calls.iter().enumerate() {
            tally.handled_again += usize::from(call.runs > 1);
            if its.calls[index].what == What::Message {
                tally.messages += 1;
                continue;
            }
            tally.calls += 1;
            tally.base += usize::from(its.is_base());
            match &call.ending {
                Some(Ending::Answered) => tally.answered += 1,
                Some(Ending::Alive) => tally.alive += 1,
                // This is a promise: whoever hears it asks again, elsewhere or later.
                Some(Ending::Failed(ErrorCode::REFUSED, _)) if call.runs > 0 && plan.cache_suffices => {
                    return Err(format!("{number}.{index} was refused and handled"));
                }
                Some(Ending::Failed(ErrorCode::REFUSED, _)) => tally.refused += 1,
                Some(Ending::Failed(..)) => tally.failed += 1,
                Some(Ending::TimedOut) if is_sure(plan, its.calls[index]) => {
                    return Err(format!("{number}.{index} was not answered, on a network without fault"));
                }
                Some(Ending::TimedOut) => tally.timed_out += 1,
                Some(Ending::Cancelled) => tally.cancelled += 1,
                Some(Ending::Unsent) | None => return Err(format!("{number}.{index} never ended")),
            }
        }
        let stats = client.machine.stats();
        tally.sent += stats.sent;
        tally.retransmitted += stats.retransmitted;
    }
    let stats = world.server.stats();
    tally.handled += stats.requests;
    tally.resent += stats.resent;
    tally.repeats += stats.repeats;
    tally.wrong += stats.wrong;
    tally.dropped += stats.dropped;
    tally.cancelled_requests += stats.cancelled;
    Ok(())
}

/// Nothing can keep the answer from coming.
fn is_sure(plan: &Plan, call: CallPlan) -> bool {
    let is_faultless = plan.link.loss == 0 && plan.link.corruption == 0 && plan.is_roomy;
    is_faultless && call.timeout.is_none() && call.what != What::Call(Handling::Never)
}

#[test]
fn every_call_ends_once() {
    if let Some(seed) = std::env::var("WIRELACE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        check(seed, true, &mut Tally::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
        return;
    }
    let seeds = std::env::var("WIRELACE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let mut tally = Tally::default();
    for seed in 0..seeds {
        check(seed, false, &mut tally).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    eprintln!("{tally:?}");
    let counts = [tally.answered, tally.alive, tally.failed, tally.refused, tally.timed_out, tally.cancelled];
    assert!(counts.iter().all(|count| *count > 0) && tally.handled_again > 0, "{tally:?}");
}
