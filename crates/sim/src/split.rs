//! Feeding one input in many ways.

use std::fmt::Debug;
use std::time::Instant;

use bytes::BytesMut;
use wirelace_wire::Machine;

use crate::rng::Rng;

/// Beyond this many positions, an even selection of them is tried.
const MAX_POSITIONS: usize = 2000;
/// How many random splits are tried.
const RANDOM_SPLITS: usize = 8;

/// What [`feed`] reports.
#[derive(Debug)]
pub enum Step<'a, Event, Error> {
    /// The machine returned an event.
    Event(Event),
    /// The machine returned an error; it is fed nothing more.
    Error(Error),
    /// The machine wrote these bytes; how they are cut into steps means nothing.
    Output(&'a [u8]),
    /// All was fed, or the machine is finished.
    End,
}

/// Feeds `pieces`, then the end of the input when `close` is set, and returns what `collect` made of it.
///
/// `collect` gets the machine too, so that it can answer, and adds to its record; where the machine may cut data
/// at will it should join what is adjacent. Time stands still, and `wants_input` is not asked: the input is what a
/// driver happened to have read already.
pub fn feed<'p, M: Machine, R: Default>(
    machine: &mut M,
    pieces: impl IntoIterator<Item = &'p [u8]>,
    close: bool,
    mut collect: impl FnMut(&mut M, &mut R, Step<'_, M::Event, M::Error>),
) -> R {
    let now = Instant::now();
    let mut record = R::default();
    let mut input = BytesMut::new();
    let mut pieces = pieces.into_iter();
    loop {
        let piece = pieces.next();
        match piece {
            Some(piece) => input.extend_from_slice(piece),
            None if close => machine.input_closed(now),
            None => {}
        }
        if !settle(machine, now, &mut input, &mut record, &mut collect) {
            break;
        }
        if piece.is_none() || machine.is_finished() {
            collect(machine, &mut record, Step::End);
            // The end may have made the caller give commands.
            settle(machine, now, &mut input, &mut record, &mut collect);
            break;
        }
    }
    record
}

/// Polls and writes until nothing happens; false after an error.
fn settle<M: Machine, R>(
    machine: &mut M,
    now: Instant,
    input: &mut BytesMut,
    record: &mut R,
    collect: &mut impl FnMut(&mut M, &mut R, Step<'_, M::Event, M::Error>),
) -> bool {
    loop {
        let polled = machine.poll_event(now, input);
        let failed = polled.is_err();
        let idle = match polled {
            Ok(Some(event)) => {
                collect(machine, record, Step::Event(event));
                false
            }
            Ok(None) => true,
            Err(error) => {
                collect(machine, record, Step::Error(error));
                true
            }
        };
        if !idle {
            continue;
        }
        let output = machine.output().chunks().flatten().copied().collect::<Vec<u8>>();
        if !output.is_empty() {
            machine.output().advance(output.len());
            machine.output_progress(now);
            collect(machine, record, Step::Output(&output));
        }
        if failed {
            return false;
        }
        if output.is_empty() {
            return true;
        }
    }
}

/// Checks that a machine does not care how its input is split, and returns what it made of the input.
///
/// The input is fed whole, in two pieces for each position (at most 2,000 of them), byte by byte, and in pieces of
/// random sizes; the record of `collect` must be the same each time. See [`feed`].
///
/// # Panics
/// Two records differ.
#[track_caller]
pub fn every_split<M: Machine, R: Default + PartialEq + Debug>(
    input: &[u8],
    close: bool,
    make: impl Fn() -> M,
    collect: impl Fn(&mut M, &mut R, Step<'_, M::Event, M::Error>),
) -> R {
    let whole = feed(&mut make(), [input], close, &collect);
    let step = input.len().div_ceil(MAX_POSITIONS).max(1);
    for at in (1..input.len()).step_by(step) {
        let (head, tail) = input.split_at(at);
        let split = feed(&mut make(), [head, tail], close, &collect);
        same(&whole, &split, input, || format!("split at {at}"));
    }
    let bytes = feed(&mut make(), input.chunks(1), close, &collect);
    same(&whole, &bytes, input, || "fed byte by byte".to_owned());
    for seed in 0..RANDOM_SPLITS as u64 {
        let mut rng = Rng::new(seed);
        let mut pieces = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let longest = rest.len().min(1 << rng.within(0..=8));
            let (piece, later) = rest.split_at(rng.within(1..=longest));
            pieces.push(piece);
            rest = later;
        }
        let split = feed(&mut make(), pieces.iter().copied(), close, &collect);
        same(&whole, &split, input, || {
            format!("split into {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>())
        });
    }
    whole
}

#[track_caller]
fn same<R: PartialEq + Debug>(whole: &R, split: &R, input: &[u8], how: impl Fn() -> String) {
    assert!(
        whole == split,
        "input \"{}\"\n{}: {split:?}\nwhole: {whole:?}",
        input[..input.len().min(2000)].escape_ascii(),
        how(),
    );
}
