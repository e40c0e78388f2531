//! What a client takes at most.

use bytes::Bytes;
use wirelace_wire_codec::datagram::{
    ClientEvent, ClientLimits, ClientOptions, DatagramClient, Form, SendError, Timing,
};

use crate::wire::{CHECKED, Client, EXTENDED, ms, response};

#[test]
fn what_does_not_fit_into_a_datagram_is_refused() {
    // Header, flags, id, and ten seconds of deadline or the checksum.
    for (form, head) in [(Form::Base, 6), (EXTENDED, 6 + 1 + 8 + 2), (CHECKED, 6 + 1 + 8 + 2 + 4)] {
        let mut client = Client::new(form);
        let (now, most) = (client.now, 1200 - head);
        let error = client.machine.call(now, vec![0; most + 1].into(), None).unwrap_err();
        assert_eq!(error, SendError::TooLong { length: 1201, limit: 1200 });
        assert_eq!(error.to_string(), "a datagram of 1201 octets is needed, the limit is 1200");
        assert!(client.machine.is_idle() && client.sent().is_empty());
        client.machine.call(now, vec![0; most].into(), None).unwrap();
        assert_eq!(client.sent_one().len(), 1200);
    }
    let mut client = Client::new(EXTENDED);
    let now = client.now;
    let error = SendError::TooLong { length: 1201, limit: 1200 };
    assert_eq!(client.machine.send_message(now, vec![0; 1193].into()), Err(error));
    client.machine.send_message(now, vec![0; 1192].into()).unwrap();
    assert_eq!(client.sent_one().len(), 1200);
}

#[test]
fn the_limit_of_a_datagram_has_limits() {
    for (datagram, limit) in [(0, 64), (64, 64), (1 << 20, 65_507)] {
        let mut client = Client::limited(Form::Base, ClientLimits { datagram, ..ClientLimits::default() });
        let error = client.machine.call(client.now, vec![0; 1 << 17].into(), None).unwrap_err();
        assert_eq!(error, SendError::TooLong { length: (1 << 17) + 6, limit });
        client.machine.call(client.now, vec![0; limit - 6].into(), None).unwrap();
    }
}

#[test]
fn calls_under_way_and_events_are_bounded_together() {
    let mut client = Client::limited(EXTENDED, ClientLimits { calls: 3, ..ClientLimits::default() });
    let ids = [client.call(b"1"), client.call(b"2"), client.call(b"3")];
    assert_eq!(client.try_call(b"4"), Err(SendError::Full));
    assert_eq!(client.machine.heartbeat(client.now, None), Err(SendError::Full));
    client.sent();
    client.receive(response(ids[0].0, b""));
    client.machine.on_deadline(client.now + ms(10_000));
    let stats = client.machine.stats();
    assert_eq!((stats.under_way, stats.events, stats.timed_out), (0, 3, 2));
    assert_eq!(client.try_call(b"4"), Err(SendError::Full));
    assert!(client.event().is_some());
    client.call(b"4");
    assert_eq!(client.try_call(b"5"), Err(SendError::Full));
}

#[test]
fn no_calls_count_as_one() {
    let mut client = Client::limited(EXTENDED, ClientLimits { calls: 0, ..ClientLimits::default() });
    client.call(b"1");
    assert_eq!(client.try_call(b"2"), Err(SendError::Full));
}

#[test]
fn messages_and_cancellations_that_wait_are_bounded() {
    let mut client = Client::limited(EXTENDED, ClientLimits { calls: 4, ..ClientLimits::default() });
    let now = client.now;
    for _ in 0..4 {
        client.machine.send_message(now, Bytes::new()).unwrap();
    }
    assert_eq!(client.machine.send_message(now, Bytes::new()), Err(SendError::Full));
    assert_eq!(client.sent().len(), 4);
    // One datagram goes out in each round, and each round adds a cancellation.
    for _ in 0..1000 {
        let id = client.call(b"hello");
        client.machine.poll_transmit(now).unwrap();
        client.machine.cancel(now, id);
        client.machine.cancel(now, id);
        assert!(client.machine.stats().waiting <= 4);
    }
    assert!(client.machine.is_idle() && client.sent().len() <= 4);
}

#[test]
fn odd_times_are_put_right() {
    let zero = ms(0);
    let timing = Timing {
        initial_rto: zero,
        min_rto: ms(50),
        max_rto: zero,
        timeout: std::time::Duration::MAX,
        jitter_percent: 255,
    };
    let mut client = Client::with(ClientOptions { timing, ..ClientOptions::default() });
    client.call(b"hello");
    let mut longest = zero;
    for _ in 0..1000 {
        assert_eq!(client.sent().len(), 1);
        let waited = client.wait();
        // 50 ms, more or less by all of that.
        assert!((ms(1)..=ms(100)).contains(&waited), "{waited:?}");
        longest = longest.max(waited);
    }
    assert!(longest > ms(90));
    assert_eq!(client.machine.stats().retransmitted, 999);

    let timing = Timing { min_rto: zero, max_rto: zero, timeout: zero, ..Timing::default() };
    let mut client = Client::with(ClientOptions { timing, ..ClientOptions::default() });
    let id = client.call(b"no time at all");
    assert_eq!(client.sent().len(), 0);
    assert_eq!(client.event(), Some(ClientEvent::TimedOut { id, sends: 0 }));
}

#[test]
fn machines_can_be_sent_to_other_threads() {
    fn check<T: Send + 'static>(_: &T) {}
    check(&DatagramClient::new(ClientOptions::default(), 1));
    check(&crate::wire::Server::new().machine);
}
