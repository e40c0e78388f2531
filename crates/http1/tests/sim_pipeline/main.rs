//! Pipelined clients and servers in the simulator: whatever the links do, responses come complete and in order, or
//! both sides are told that they do not; and nothing ever hangs.
//!
//! `WIRELACE_SEEDS` is the number of seeds (500 otherwise), `WIRELACE_SEED` runs a single one with its trace.

mod client;
mod plan;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use client::{Answer, Client};
use plan::{Body, Exchange, Plan};
use server::Server;
use support::Message;
use wirelace_http1::Error;
use wirelace_sim::{End, Outcome, Pair};
use wirelace_wire::Machine;

/// What many runs came to, to see that they are not all of one kind.
#[derive(Debug, Default)]
struct Tally {
    exchanges: usize,
    complete: usize,
    reset: usize,
    unsent: usize,
    client_errors: usize,
    server_errors: usize,
    all_complete: usize,
}

fn run(seed: u64, keep_steps: usize) -> (Arc<Plan>, Outcome, Pair<Client, Server>) {
    let plan = Arc::new(Plan::new(seed, keep_steps));
    let mut pair =
        Pair::new(seed, plan.settings.clone(), |now| (Client::new(&plan, now), Server::new(&plan, now)));
    let outcome = pair.run();
    (plan, outcome, pair)
}

/// Runs one seed; the error says what went wrong.
fn check(seed: u64, keep_steps: usize, tally: &mut Tally) -> Result<(), String> {
    let (plan, outcome, mut pair) = run(seed, keep_steps);
    let trace = pair.trace().to_string();
    let result = judge(&plan, &outcome, &mut pair, tally);
    result.map_err(|wrong| format!("seed {seed}: {wrong}\n{outcome:?}\n{trace}"))
}

fn judge(
    plan: &Plan,
    outcome: &Outcome,
    pair: &mut Pair<Client, Server>,
    tally: &mut Tally,
) -> Result<(), String> {
    if outcome.end != End::Closed {
        let waiting: Vec<_> =
            pair.server().handlers.iter().filter(|(_, handler)| !handler.answered).collect();
        return Err(format!("it hangs, unanswered: {waiting:?}"));
    }
    if outcome.elapsed > Duration::from_secs(60) {
        return Err("only a timeout ended it".to_owned());
    }
    let client_error = pair.client().error;
    let server_error = pair.server().error;
    // A client that sees the last response coming may break off what it sends.
    let client_leaves = plan.closer() != usize::MAX;
    for (error, expected) in [(client_error, plan.is_cut()), (server_error, plan.is_cut() || client_leaves)] {
        match error {
            None => {}
            Some(Error::UnexpectedEnd) if expected => {}
            Some(error) => return Err(format!("unexpected error: {error}")),
        }
    }
    let was_reset = pair.client().was_reset;
    // A server that cannot finish a body which only the end of the connection ends resets it.
    let resets = plan.resets() || plan.is_cut() && pair.server().machine.must_reset();
    let answers = std::mem::take(&mut pair.client().answers);
    let closer = plan.closer();
    let mut open = true;
    for (index, exchange) in plan.exchanges.iter().enumerate() {
        let answer = answers.get(index);
        let complete = answer.and_then(|a| a.response.as_ref()).is_some_and(|response| response.complete);
        if complete && !open {
            return Err(format!("{index} was answered, but an earlier one was not"));
        }
        open = complete;
        if was_reset && !resets {
            return Err("the connection was reset".to_owned());
        }
        if !complete && !plan.is_cut() && index <= closer {
            let before = index.checked_sub(1).map(|before| &plan.exchanges[before]);
            return Err(format!("{index} was not answered: {answer:?}; behind {before:?}"));
        }
        if let Some(answer) = answer {
            check_answer(index, exchange, answer, was_reset, plan)?;
        }
        tally.exchanges += 1;
        tally.complete += usize::from(complete);
        tally.reset += usize::from(answer.is_some_and(|answer| !answer.resets.is_empty()));
        tally.unsent += usize::from(answer.is_none());
    }
    tally.client_errors += usize::from(client_error.is_some());
    tally.server_errors += usize::from(server_error.is_some());
    tally.all_complete += usize::from(open);
    check_requests(plan, pair.server())
}

fn check_answer(
    index: usize,
    exchange: &Exchange,
    answer: &Answer,
    was_reset: bool,
    plan: &Plan,
) -> Result<(), String> {
    let complete = answer.response.as_ref().is_some_and(|response| response.complete);
    let told = usize::from(complete) + answer.resets.len();
    if told != 1 && !(was_reset && told == 0) {
        return Err(format!("{index}: neither complete nor reset once: {answer:?}"));
    }
    let Some(response) = &answer.response else { return Ok(()) };
    // A request that the link cut is answered too, by the machine.
    if plan.settings.to_server.cut.is_some() && response.start == "HTTP/1.1 400 Bad Request" {
        return Ok(());
    }
    let expected = expected_response(index, exchange);
    let mut seen = response.clone();
    seen.fields.retain(|(name, _)| name.starts_with("x-"));
    // A body that the end of the connection ends looks complete wherever it is cut (RFC 9112 §8).
    let until_close = exchange.http10 && matches!(exchange.response_body, Body::Chunked(..));
    let whole = complete && !(until_close && plan.settings.to_client.cut.is_some());
    let body_fits = if whole { seen.body == expected.body } else { expected.body.starts_with(&seen.body) };
    let trailers_fit = !complete || seen.trailers == expected.trailers;
    if seen.start != expected.start || seen.fields != expected.fields || !body_fits || !trailers_fit {
        return Err(difference(&format!("response {index}"), &expected, &seen));
    }
    let hints = if exchange.http10 { 0 } else { exchange.hints };
    let numbers = answer.hints.iter().map(|hint| hint.fields[0].1.clone());
    if !numbers.eq((0..hints).map(|number| number.to_string())) {
        return Err(format!("{index}: wrong interim responses: {:?}", answer.hints));
    }
    Ok(())
}

fn difference(what: &str, expected: &Message, seen: &Message) -> String {
    let cut = |message: &Message| {
        let text = format!("{:?}", Message { body: Vec::new(), ..message.clone() });
        text.chars().take(1500).collect::<String>()
    };
    let same = expected.body.iter().zip(&seen.body).take_while(|(a, b)| a == b).count();
    let (wanted, got) = (expected.body.len(), seen.body.len());
    format!(
        "{what}: expected {}\nbut saw {}\n{got} bytes of {wanted}, {same} equal",
        cut(expected),
        cut(seen)
    )
}

fn expected_response(index: usize, exchange: &Exchange) -> Message {
    let mut message = support::response_message(&exchange.response_head(index));
    message.fields.retain(|(name, _)| name.starts_with("x-"));
    if exchange.has_response_body() {
        message.body = exchange.response_body.bytes().to_vec();
        // HTTP/1.0 has no place for trailers.
        if !exchange.http10 {
            message.trailers = exchange.response_body.trailers().to_vec();
        }
    }
    message
}

/// What the server saw must be what the client was to send.
fn check_requests(plan: &Plan, server: &mut Server) -> Result<(), String> {
    for (&index, handler) in &server.handlers {
        let exchange = &plan.exchanges[index as usize];
        let head = exchange.request_head(index as usize);
        let mut expected = support::request_message(&head);
        expected.fields.retain(|(name, _)| name.starts_with("x-"));
        let mut seen = handler.request.clone();
        seen.fields.retain(|(name, _)| name.starts_with("x-"));
        let body = exchange.request_body.bytes();
        let body_fits = if seen.complete { seen.body == body } else { body.starts_with(&seen.body) };
        let trailers_fit = !seen.complete || seen.trailers == exchange.request_body.trailers();
        if seen.start != expected.start || seen.fields != expected.fields || !body_fits || !trailers_fit {
            return Err(difference(&format!("request {index}"), &expected, &seen));
        }
        let told = handler.answered || handler.resets.len() == 1 || server.was_reset;
        if !told || handler.resets.len() > 1 {
            return Err(format!("request {index}: its handler was not told once: {handler:?}"));
        }
    }
    Ok(())
}

#[test]
fn responses_come_complete_and_in_order() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let mut tally = Tally::default();
    if let Some(seed) = number("WIRELACE_SEED") {
        check(seed, 1_000_000, &mut tally).unwrap_or_else(|wrong| panic!("{wrong}"));
        return;
    }
    let seeds = number("WIRELACE_SEEDS").unwrap_or(500);
    for seed in 0..seeds {
        if let Err(wrong) = check(seed, 0, &mut tally) {
            // Once more, with its last steps.
            let again = check(seed, 60, &mut Tally::default());
            panic!("{}", again.err().unwrap_or(wrong));
        }
    }
    println!("{seeds} seeds: {tally:?}");
    // The runs are worth something only if they are of all kinds.
    if seeds >= 500 {
        assert!(tally.complete > tally.exchanges / 3 && tally.reset > tally.exchanges / 50, "{tally:?}");
        assert!(tally.client_errors > 0 && tally.server_errors > 0 && tally.unsent > 0, "{tally:?}");
    }
}

#[test]
fn seeds_repeat() {
    for seed in 0..20 {
        assert_eq!(run(seed, 0).1, run(seed, 0).1, "seed {seed}");
    }
}
