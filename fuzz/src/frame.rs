//! `wire-codec`: frames of both forms, and sessions of both roles.

use crate::input::Choices;
use bytes::Bytes;
use std::time::{Duration, Instant};
use wirelace_sim::{Step, feed};
use wirelace_wire::Machine as _;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::{self, Frames};
use wirelace_wire_codec::extended::{self, Checksum, Hello, Rules};
use wirelace_wire_codec::session::{Error, Event, Limits, Offer, Options, Session};

/// Frames of the base form: borrowed and owned agree, and encode back to the same octets.
pub fn base(data: &[u8]) {
    let mut frames = Frames::new(data, 1000);
    let mut owned = Bytes::copy_from_slice(data);
    let mut again = Vec::new();
    for frame in frames.by_ref() {
        let taken = base::decode_owned(&mut owned, 1000);
        match frame {
            Ok(frame) => {
                frame.encode_into(&mut again).expect("it fits");
                let taken = taken.expect("the same verdict").expect("the same frame");
                assert_eq!((taken.kind, &taken.payload[..]), (frame.kind, frame.payload));
            }
            Err(error) => assert_eq!(taken, Err(error)),
        }
    }
    assert_eq!(again, data[..data.len() - frames.rest().len()]);
    assert_eq!(owned, frames.rest());
    let _ = base::decode_end(frames.rest());
}

/// Frames of the extended form, and hellos: what is decoded is the same after it was encoded.
pub fn extended(data: &[u8]) {
    if let Some(Ok(hello)) = Hello::decode(data) {
        assert_eq!(Hello::decode(&hello.encode()), Some(Ok(hello)));
    }
    for checksum in [Checksum::Off, Checksum::On, Checksum::Either] {
        let rules = Rules { max_length: 1000, checksum };
        let mut rest = data;
        while let Ok(Some((frame, taken))) = extended::decode(rest, rules) {
            let (this, next) = rest.split_at(taken);
            for cut in [taken / 2, taken - 1] {
                assert_eq!(extended::decode(&this[..cut], rules), Ok(None));
            }
            let with = this[6] & extended::CHECKSUM != 0;
            let mut again = Vec::new();
            frame.encode_into(&mut again, with).expect("what was decoded can be encoded");
            assert_eq!(extended::decode(&again, rules), Ok(Some((frame, again.len()))));
            let mut owned = Bytes::copy_from_slice(this);
            let taken = extended::decode_owned(&mut owned, rules).expect("the same verdict");
            assert_eq!(
                taken.map(|frame| frame.map(|payload| payload.to_vec())),
                Some(frame.map(<[u8]>::to_vec))
            );
            rest = next;
        }
    }
}

/// What an application saw, and what the peer was sent.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<Event>,
    error: Option<Error>,
    output: Vec<u8>,
    finished: bool,
}

fn limits() -> Limits {
    Limits {
        frame: 1024,
        exchange_window: 300,
        connection_window: 500,
        exchanges: 3,
        control: (20, 0),
        small: (20, 0),
        ..Limits::default()
    }
}

/// Answers, asks, and takes everything, but for what the choices keep.
fn react(session: &mut Session, now: Instant, event: &Event, keep: bool) {
    match event {
        Event::Ready { .. } => {
            for _ in 0..2 {
                let _ = session.send_request(now, Bytes::from_static(b"ask"), true, None);
            }
            let _ = session.ping(now);
        }
        Event::Request { id, data, end, .. } => {
            session.consumed(*id, data.len());
            match data.first() {
                Some(b'e') => drop(session.respond_error(*id, ErrorCode::APPLICATION, "no")),
                Some(b'c') => session.cancel(*id, ErrorCode::CANCELLED),
                _ => {
                    let len = data.len().min(session.capacity(*id));
                    let _ = session.respond(*id, data.slice(..len), *end);
                }
            }
        }
        Event::Data { id, data, end } | Event::Response { id, data, end } => {
            if !keep {
                session.consumed(*id, data.len());
            }
            if *end {
                let _ = session.send_data(*id, Bytes::new(), true);
            }
        }
        Event::Message { data } => session.message_consumed(data.len()),
        _ => {}
    }
}

fn run(make: &dyn Fn(Instant) -> Session, pieces: Vec<&[u8]>, keep: bool) -> Seen {
    let now = Instant::now();
    let mut session = make(now);
    feed(&mut session, pieces, true, |session, seen: &mut Seen, step| match step {
        Step::Event(event) => {
            react(session, now, &event, keep);
            let stats = session.stats();
            assert!(stats.held <= 500 || session.form() == Some(wirelace_wire_codec::session::Form::Base));
            assert!(stats.under_way <= 3 + 2, "{stats:?}");
            match event {
                // Output that was taken makes room, whatever came meanwhile.
                Event::Capacity { .. } | Event::RequestCapacity | Event::MessageCapacity => {}
                Event::Pong { .. } => seen.events.push(Event::Pong { round_trip: Duration::ZERO }),
                event => seen.events.push(event),
            }
        }
        Step::Error(error) => seen.error = Some(error),
        Step::Output(octets) => seen.output.extend_from_slice(octets),
        Step::End => seen.finished = session.is_finished(),
    })
}

fn session(data: &[u8], make: &dyn Fn(Instant) -> Session) {
    let (payload, mut choices) = Choices::split(data, 8);
    let keep = choices.byte() & 1 == 1;
    let whole = run(make, vec![payload], keep);
    let mut ended = std::collections::BTreeSet::new();
    for event in &whole.events {
        if let Event::Failed { id, .. } | Event::Cancelled { id, .. } = event {
            assert!(ended.insert(*id), "{id:?} ended twice: {whole:?}");
        }
    }
    let cut = run(make, choices.pieces(payload), keep);
    // An answer counts as under way until it is written, and is written sooner when the input comes in pieces: who
    // opens more than its share without reading may get further, but sees nothing else on the way there.
    if matches!(whole.error, Some(Error::TooManyExchanges(_))) && cut != whole {
        let ended = |event: &Event| matches!(event, Event::Failed { .. } | Event::Cancelled { .. });
        let common = whole.events.iter().zip(&cut.events).take_while(|(one, other)| one == other).count();
        assert!(whole.events[common..].iter().all(ended), "{whole:?}\n{cut:?}");
        return;
    }
    assert_eq!(cut, whole);
}

/// An acceptor that is sent anything.
pub fn acceptor(data: &[u8]) {
    let make = |now| Session::acceptor(Options { limits: limits(), ..Options::default() }, now);
    session(data, &make);
}

/// An initiator that is answered anything.
pub fn initiator(data: &[u8]) {
    let form =
        if data.first() == Some(&10) && data.get(1) == Some(&3) { Offer::Base } else { Offer::Extended };
    let make = |now| Session::initiator(Options { limits: limits(), form, ..Options::default() }, now);
    session(data, &make);
}
