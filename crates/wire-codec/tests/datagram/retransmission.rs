//! When a client sends again, and when it gives up.

use std::time::Duration;

use bytes::Bytes;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{ClientEvent, ClientOptions, DatagramClient, Form, SendError, Timing};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{Client, EXTENDED, as_base, as_extended, extended, ms, response};

fn without_jitter(form: Form) -> Client {
    let timing = Timing { jitter_percent: 0, ..Timing::default() };
    Client::with(ClientOptions { form, timing, ..ClientOptions::default() })
}

#[test]
fn the_waits_double_up_to_their_limit_and_the_deadline() {
    for form in [Form::Base, EXTENDED] {
        for heartbeat in [false, true] {
            let mut client = without_jitter(form);
            let now = client.now;
            let timeout = Some(ms(13_000));
            let id = if heartbeat {
                client.machine.heartbeat(now, timeout)
            } else {
                client.machine.call(now, Bytes::from_static(b"hello"), timeout)
            }
            .unwrap();
            let mut waits = Vec::new();
            loop {
                let sent = client.sent();
                if sent.is_empty() {
                    break;
                }
                assert_eq!((sent.len(), client.event()), (1, None));
                waits.push(client.wait().as_millis());
            }
            assert_eq!(waits, [500, 1000, 2000, 4000, 4000, 1500]);
            assert_eq!(client.now - now, ms(13_000));
            assert_eq!(client.event(), Some(ClientEvent::TimedOut { id, sends: 6 }));
            assert_eq!((client.event(), client.machine.deadline()), (None, None));
            let stats = client.machine.stats();
            assert_eq!((stats.sent, stats.retransmitted, stats.timed_out), (6, 5, 1));
            // What never came says nothing of the round trip.
            assert_eq!((stats.round_trip, stats.rto), (None, ms(500)));
        }
    }
}

#[test]
fn the_waits_vary_by_the_jitter() {
    let mut first = Vec::new();
    for seed in 0..200 {
        let mut client = Client::new(EXTENDED);
        client.machine = DatagramClient::new(ClientOptions::default(), seed);
        client.call(b"hello");
        client.sent();
        for middle in [500, 1000, 2000] {
            let waited = client.wait();
            assert!((ms(middle * 3 / 4)..=ms(middle * 5 / 4)).contains(&waited), "{waited:?}");
            assert_eq!(client.sent().len(), 1);
            if middle == 500 {
                first.push(waited);
            }
        }
    }
    assert!(first.iter().any(|waited| *waited < ms(400)) && first.iter().any(|waited| *waited > ms(600)));
}

#[test]
fn each_send_says_how_much_time_is_left() {
    let mut client = without_jitter(EXTENDED);
    client.machine.call(client.now, Bytes::from_static(b"hello"), Some(ms(3200))).unwrap();
    let mut left = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let sent = client.sent_one();
        let Frame::Request { id, timeout: Some(timeout), payload: b"hello", .. } = as_extended(&sent) else {
            panic!("{sent:?}")
        };
        left.push(timeout);
        ids.push(id);
        client.wait();
    }
    assert_eq!(left, [3200, 2700, 1700]);
    assert!(ids.iter().all(|id| *id == ids[0]));

    let mut client = Client::new(EXTENDED);
    client.machine.call(client.now, Bytes::new(), Some(Duration::from_nanos(1))).unwrap();
    assert!(matches!(as_extended(&client.sent_one()), Frame::Request { timeout: Some(1), .. }));
    client.machine.call(client.now, Bytes::new(), Some(Duration::MAX)).unwrap();
    assert!(matches!(as_extended(&client.sent_one()), Frame::Request { timeout: Some(_), .. }));
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let mut client = without_jitter(EXTENDED);
    let id = client.machine.call(client.now, Bytes::new(), Some(ms(100))).unwrap();
    // Nobody asked for it before its time was over.
    client.now += ms(100);
    assert_eq!(client.sent().len(), 0);
    assert_eq!(client.event(), Some(ClientEvent::TimedOut { id, sends: 0 }));
    // An answer may be as late as the driver.
    let id = client.machine.call(client.now, Bytes::new(), Some(ms(100))).unwrap();
    client.sent();
    client.now += ms(100);
    client.receive(response(id.0, b"just so"));
    client.machine.on_deadline(client.now);
    assert!(matches!(client.event(), Some(ClientEvent::Response { .. })));
    assert_eq!(client.event(), None);
}

#[test]
fn after_on_deadline_the_next_one_is_later() {
    let mut client = Client::new(EXTENDED);
    for _ in 0..20 {
        client.call(b"hello");
    }
    client.sent();
    let mut rounds = 0;
    while let Some(at) = client.machine.deadline() {
        client.now = at;
        client.machine.on_deadline(at);
        assert!(client.machine.deadline().is_none_or(|next| next > at));
        client.sent();
        assert!(client.machine.deadline().is_none_or(|next| next > at));
        while client.event().is_some() {}
        rounds += 1;
    }
    assert!(rounds > 20 && client.machine.is_idle());
}

#[test]
fn the_round_trip_is_measured() {
    let mut client = without_jitter(EXTENDED);
    let answer_after = |client: &mut Client, span| {
        let id = client.call(b"hello").0;
        client.sent();
        client.now += span;
        client.receive(response(id, b""));
        assert!(matches!(client.event(), Some(ClientEvent::Response { .. })));
    };
    answer_after(&mut client, ms(100));
    let stats = client.machine.stats();
    assert_eq!((stats.round_trip, stats.rto), (Some(ms(100)), ms(300)));
    for _ in 0..50 {
        answer_after(&mut client, ms(1));
    }
    // The measured value would be less than the limit.
    assert_eq!(client.machine.stats().rto, ms(20));
    client.call(b"hello");
    client.sent();
    assert_eq!(client.wait(), ms(20));
}

#[test]
fn the_measured_wait_has_a_limit_above() {
    let mut client = without_jitter(EXTENDED);
    let id = client.machine.heartbeat(client.now, Some(ms(60_000))).unwrap();
    let sent = client.sent_one();
    let Frame::Ping { payload, .. } = as_extended(&sent) else { panic!("{sent:?}") };
    // The driver slept.
    client.now += ms(30_000);
    client.receive(extended(Frame::Ping { answer: true, payload }));
    assert_eq!(client.event(), Some(ClientEvent::Alive { id, round_trip: ms(30_000) }));
    let stats = client.machine.stats();
    assert_eq!((stats.round_trip, stats.rto), (Some(ms(30_000)), ms(4000)));
}

#[test]
fn what_was_sent_again_is_no_sample() {
    // RTT 1.2 s, above the first wait: with each answer it is not clear which send it answers.
    let mut client = without_jitter(EXTENDED);
    let mut sends = Vec::new();
    for _ in 0..4 {
        let id = client.call(b"hello");
        let (start, mut sent) = (client.now, client.sent().len());
        while client.machine.deadline().unwrap() < start + ms(1200) {
            client.wait();
            sent += client.sent().len();
        }
        client.now = start + ms(1200);
        client.receive(response(id.0, b""));
        assert!(matches!(client.event(), Some(ClientEvent::Response { .. })));
        sends.push(sent);
        if sent > 1 {
            assert_eq!(client.machine.stats().round_trip, None);
        }
    }
    // The waits of such calls stay long until one is answered that was sent once.
    assert_eq!(sends, [2, 2, 1, 1]);
    let stats = client.machine.stats();
    assert_eq!((stats.round_trip, stats.retransmitted), (Some(ms(1200)), 2));
}

#[test]
fn the_base_form_sends_the_same_again() {
    let mut client = without_jitter(Form::Base);
    client.call(b"hello");
    let first = client.sent_one();
    client.wait();
    assert_eq!(client.sent_one(), first);
    assert_eq!(as_base(&first), (FrameType::REQUEST, &b"hello"[..]));
    assert_eq!(client.try_call(b"another"), Err(SendError::Full));
}

#[test]
fn calls_have_waits_of_their_own() {
    let mut client = without_jitter(EXTENDED);
    let first = client.call(b"first");
    client.sent();
    client.now += ms(300);
    client.call(b"second");
    client.sent();
    assert_eq!(client.wait(), ms(200));
    let again = client.sent_one();
    assert_eq!(as_extended(&again).id(), first.0);
    client.receive(response(first.0, b""));
    // The second's was set before anything was known.
    assert_eq!(client.wait(), ms(300));
    assert!(matches!(as_extended(&client.sent_one()), Frame::Request { payload: b"second", .. }));
}

#[test]
fn a_clock_that_goes_back_breaks_nothing() {
    let mut client = without_jitter(EXTENDED);
    // So long that a larger number for the time would not fit.
    let most = 1200 - (6 + 1 + 8 + 1);
    client.machine.call(client.now, vec![0; most].into(), Some(ms(63))).unwrap();
    client.call(b"another");
    client.now -= ms(10);
    let sent = client.sent();
    assert_eq!((sent.len(), sent[0].len()), (2, 1200));
    assert!(matches!(as_extended(&sent[0]), Frame::Request { timeout: Some(63), .. }));
}
