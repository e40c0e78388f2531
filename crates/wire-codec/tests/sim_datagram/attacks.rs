//! What somebody can try who forges addresses, repeats, floods, and plays with numbers and clocks.

use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::{self, FrameType};
use wirelace_wire_codec::datagram::{
    Checksum, ClientEvent, ClientLimits, ClientOptions, DatagramClient, DatagramServer, Form, RequestId,
    ServerEvent, ServerLimits, ServerOptions,
};
use wirelace_wire_codec::extended::{self, Frame, Rules};

type Server = DatagramServer<u32>;

fn base(kind: FrameType, payload: &[u8]) -> Bytes {
    let mut octets = Vec::new();
    base::Frame { kind, payload }.encode_into(&mut octets).unwrap();
    octets.into()
}

fn extended(frame: Frame<&[u8]>) -> Bytes {
    let mut octets = Vec::new();
    frame.encode_into(&mut octets, false).unwrap();
    octets.into()
}

fn request(id: u64, payload: &[u8], timeout: Option<u64>) -> Bytes {
    extended(Frame::Request { id, end: true, timeout, payload })
}

/// What it answers at once, which is one datagram at most, to the sender.
fn answer(server: &mut Server, now: Instant, from: u32, datagram: Bytes) -> Option<Bytes> {
    server.receive(now, from, datagram);
    let answer = server.poll_transmit(now)?;
    assert_eq!((answer.to, server.poll_transmit(now)), (from, None));
    Some(answer.datagram)
}

fn told(server: &mut Server, now: Instant) -> Option<RequestId> {
    match server.poll_event(now)? {
        ServerEvent::Request { id, .. } => Some(id),
        other => panic!("{other:?}"),
    }
}

fn code(datagram: &[u8]) -> ErrorCode {
    let rules = Rules { max_length: usize::MAX, checksum: Checksum::Either };
    match extended::decode(datagram, rules) {
        Ok(Some((Frame::Error { code, .. }, _))) => code,
        other => panic!("{other:?}"),
    }
}

fn server(limits: ServerLimits) -> Server {
    Server::new(ServerOptions { limits, ..ServerOptions::default() })
}

/// REFUSED says that the request was not handled, so it must not be handled later: the sender has asked elsewhere.
#[test]
fn what_was_refused_stays_refused() {
    let now = Instant::now();
    let mut server = server(ServerLimits { requests: 1, control: (1, 0), ..ServerLimits::default() });
    server.receive(now, 1, request(1, b"one", None));
    let first = told(&mut server, now).unwrap();
    let refused = answer(&mut server, now, 1, request(2, b"two", None)).unwrap();
    assert_eq!(code(&refused), ErrorCode::REFUSED);
    // The budget is empty: this one does not hear of it.
    assert_eq!(answer(&mut server, now, 1, request(3, b"three", None)), None);
    server.respond(now, first, Bytes::new()).unwrap();
    assert!(server.poll_transmit(now).is_some());
    // There is room now. The second of two copies may come.
    assert_eq!(answer(&mut server, now, 1, request(2, b"two", None)), Some(refused));
    assert_eq!(told(&mut server, now), None);
    // Nobody was told anything of this one.
    server.receive(now, 1, request(3, b"three", None));
    assert!(told(&mut server, now).is_some());
}

/// Nobody may make two servers talk to each other for ever.
#[test]
fn two_servers_do_not_answer_each_other_for_ever() {
    let payload = &b"payload"[..];
    let id = 7;
    let code = ErrorCode(1);
    let mut datagrams = vec![Bytes::new(), Bytes::from_static(b"\x63\x01"), Bytes::from_static(b"\x14")];
    datagrams.extend((0..=255).map(|kind| base(FrameType(kind), payload)));
    datagrams.extend((0..=255).map(|kind| extended(Frame::Unknown { kind: FrameType(kind), id, payload })));
    for answer in [false, true] {
        datagrams.push(extended(Frame::Ping { answer, payload }));
        datagrams.push(extended(Frame::Response { id, end: answer, payload }));
        datagrams.push(extended(Frame::Request { id, end: answer, timeout: None, payload }));
    }
    datagrams.push(extended(Frame::Error { id, code, text: payload }));
    datagrams.push(extended(Frame::Cancel { id, code }));
    datagrams.push(extended(Frame::Message { payload }));
    for datagram in datagrams {
        // Slow enough for the budget, which would end it too, but not before others suffer.
        let mut now = Instant::now();
        let mut servers = [server(ServerLimits::default()), server(ServerLimits::default())];
        let mut travelling = Some(datagram.clone());
        let mut turns = 0;
        while let Some(next) = travelling {
            let (to, from) = (turns % 2, (turns as u32 + 1) % 2);
            let server = &mut servers[to];
            travelling = answer(server, now, from, next);
            while let Some(event) = server.poll_event(now) {
                if let ServerEvent::Request { id, .. } = event {
                    server.respond(now, id, Bytes::from_static(b"yes")).unwrap();
                    travelling = server.poll_transmit(now).map(|transmit| transmit.datagram);
                }
            }
            now += Duration::from_millis(20);
            turns += 1;
            assert!(turns < 100, "{datagram:?} goes on and on");
        }
    }
}

#[test]
fn a_heartbeat_each_second_is_always_answered() {
    let mut now = Instant::now();
    let mut server = server(ServerLimits::default());
    for _ in 0..3600 {
        assert!(answer(&mut server, now, 1, base(FrameType::HEARTBEAT, b"")).is_some());
        now += Duration::from_secs(1);
    }
    // One who asks too often does not keep others from being answered, but for the few who share a place.
    for _ in 0..100 {
        let _ = answer(&mut server, now, 1, base(FrameType::HEARTBEAT, b""));
    }
    let answered =
        (2..52).filter(|from| answer(&mut server, now, *from, base(FrameType::HEARTBEAT, b"")).is_some());
    assert!(answered.count() >= 45);
}

#[test]
fn answers_that_are_kept_for_ever_are_kept() {
    let now = Instant::now();
    let mut server = Server::new(ServerOptions { keep: Duration::MAX, ..ServerOptions::default() });
    server.receive(now, 1, request(1, b"one", None));
    let id = told(&mut server, now).unwrap();
    server.respond(now, id, Bytes::from_static(b"yes")).unwrap();
    let first = server.poll_transmit(now).unwrap().datagram;
    let later = now + Duration::from_secs(1_000_000);
    server.on_deadline(later);
    assert_eq!(answer(&mut server, later, 1, request(1, b"one", None)), Some(first));
    assert_eq!(server.stats().kept, 1);
}

/// A timer that is due when it was served keeps a driver busy.
#[test]
fn no_timer_is_left_for_what_is_not_kept() {
    let now = Instant::now();
    let mut server = Server::new(ServerOptions { keep: Duration::ZERO, ..ServerOptions::default() });
    server.receive(now, 1, request(1, b"one", Some(10)));
    let id = told(&mut server, now).unwrap();
    let at = server.deadline().unwrap();
    server.on_deadline(at);
    assert_eq!((server.deadline(), server.stats().kept), (None, 0));
    assert_eq!(server.poll_event(at), Some(ServerEvent::Cancelled { id }));
}

/// The number of milliseconds left grows by an octet from 63 to 64.
#[test]
fn a_clock_that_goes_back_holds_nothing_up() {
    let now = Instant::now() + Duration::from_secs(100);
    let limits = ClientLimits { datagram: 100, ..ClientLimits::default() };
    let mut client = DatagramClient::new(ClientOptions { limits, ..ClientOptions::default() }, 1);
    let timeout = Some(Duration::from_millis(63));
    let longest = (1..100).rev().find_map(|len| client.call(now, vec![7; len].into(), timeout).ok());
    assert!(longest.is_some());
    client.call(now, Bytes::from_static(b"another"), timeout).unwrap();
    let earlier = now - Duration::from_secs(50);
    let sent: Vec<_> = std::iter::from_fn(|| client.poll_transmit(earlier)).collect();
    assert_eq!((sent.len(), client.stats().sent), (2, 2));
    assert!(sent.iter().all(|datagram| datagram.len() <= 100));
    // No answer came: both end, at the times that were set.
    while let Some(at) = client.deadline() {
        assert!(at <= now + Duration::from_millis(63));
        client.on_deadline(at);
        while client.poll_transmit(at).is_some() {}
    }
    let events: Vec<_> = std::iter::from_fn(|| client.poll_event(now)).collect();
    assert!(events.iter().all(|event| matches!(event, ClientEvent::TimedOut { .. })) && events.len() == 2);
}

#[test]
fn a_server_s_clock_may_go_back() {
    let now = Instant::now() + Duration::from_secs(100);
    let mut server = server(ServerLimits::default());
    server.receive(now, 1, request(1, b"one", Some(1000)));
    let id = told(&mut server, now).unwrap();
    let earlier = now - Duration::from_secs(50);
    server.receive(earlier, 1, request(2, b"two", Some(1000)));
    let second = told(&mut server, earlier).unwrap();
    server.respond(earlier, id, Bytes::new()).unwrap();
    assert!(server.poll_transmit(earlier).is_some());
    assert!(answer(&mut server, earlier, 1, request(1, b"one", Some(1000))).is_some());
    server.on_deadline(now);
    assert_eq!(server.poll_event(now), Some(ServerEvent::Cancelled { id: second }));
    server.on_deadline(now + Duration::from_secs(30));
    assert_eq!((server.stats().kept, server.deadline()), (0, None));
}

#[test]
fn the_largest_numbers_overflow_nothing() {
    let now = Instant::now();
    let most = (1 << 62) - 1;
    let mut server = server(ServerLimits::default());
    server.receive(now, 1, request(most, b"one", Some(most)));
    assert!(told(&mut server, now).is_some());
    if let Some(at) = server.deadline() {
        server.on_deadline(at);
    }
    for form in [Form::Base, Form::Extended { checksum: true }] {
        let mut client = DatagramClient::new(ClientOptions { form, ..ClientOptions::default() }, u64::MAX);
        client.call(now, Bytes::new(), Some(Duration::MAX)).unwrap();
        for _ in 0..100 {
            assert!(client.poll_transmit(now).is_some());
            client.on_deadline(client.deadline().unwrap());
        }
    }
}

/// The answer of one form is never that of the other, whatever the payload and the id are.
#[test]
fn the_forms_do_not_share_what_is_kept() {
    let now = Instant::now();
    let mut server = server(ServerLimits::default());
    server.receive(now, 1, request(1, b"one", None));
    let id = told(&mut server, now).unwrap();
    server.respond(now, id, Bytes::from_static(b"extended")).unwrap();
    assert!(server.poll_transmit(now).is_some());
    for _ in 0..2 {
        server.receive(now, 1, base(FrameType::REQUEST, b"one"));
        let id = told(&mut server, now).unwrap();
        server.respond(now, id, Bytes::from_static(b"base")).unwrap();
        assert_eq!(server.poll_transmit(now).unwrap().datagram, base(FrameType::RESPONSE, b"base"));
    }
    // Nor is one address given the answer of another.
    server.receive(now, 2, request(1, b"one", None));
    assert!(told(&mut server, now).is_some());
}

/// Each datagram from another address, and all of them answered.
#[test]
fn a_flood_of_forged_addresses_fills_nothing() {
    let mut now = Instant::now();
    let mut server = server(ServerLimits::default());
    for number in 0..200_000_u32 {
        let payload = number.to_be_bytes();
        let datagram = match number % 5 {
            0 => base(FrameType::HEARTBEAT, &payload),
            1 => base(FrameType(77), &payload),
            2 => base(FrameType::REQUEST, &payload),
            3 => request(1, &payload, Some(u64::from(number % 3))),
            _ => extended(Frame::Message { payload: &payload[..] }),
        };
        server.receive(now, number, datagram);
        if number % 10 == 0 {
            now += Duration::from_millis(1);
        }
        let stats = server.stats();
        assert!(stats.under_way <= 1024 && stats.addresses <= 1024 && stats.events <= 2048 + 1024);
        assert!(stats.kept <= 16_384 && stats.kept_octets <= 8 << 20 && stats.output <= (1 << 20) + 1200);
        if number % 1000 == 0 {
            while let Some(event) = server.poll_event(now) {
                if let ServerEvent::Request { id, .. } = event {
                    server.respond(now, id, Bytes::from_static(&[7; 1000])).unwrap();
                }
            }
            while server.poll_transmit(now).is_some() {}
        }
    }
    while let Some(event) = server.poll_event(now) {
        if let ServerEvent::Request { id, .. } = event {
            server.fail(now, id, ErrorCode::CLOSED, "");
        }
    }
    while server.poll_transmit(now).is_some() {}
    server.on_deadline(now + Duration::from_secs(30));
    let stats = server.stats();
    assert!(server.is_idle() && stats.kept + stats.kept_octets + stats.addresses == 0, "{stats:?}");
}

/// Whoever forges the server's address, but does not know the ids, ends no call.
#[test]
fn forged_answers_end_nothing() {
    let now = Instant::now();
    let form = Form::Extended { checksum: false };
    let mut client = DatagramClient::new(ClientOptions { form, ..ClientOptions::default() }, 1);
    let id = client.call(now, Bytes::from_static(b"ask"), None).unwrap();
    let beat = client.heartbeat(now, None).unwrap();
    while client.poll_transmit(now).is_some() {}
    for guess in (0..1000).chain([id.0 - 1, beat.0 + 1]).filter(|guess| ![id.0, beat.0].contains(guess)) {
        client.receive(now, extended(Frame::Error { id: guess, code: ErrorCode::REFUSED, text: b"" }));
        client.receive(now, extended(Frame::Ping { answer: true, payload: &guess.to_be_bytes() }));
        if guess > 0 {
            client.receive(now, extended(Frame::Response { id: guess, end: true, payload: b"" }));
        }
    }
    // An answer of the wrong kind is none.
    client.receive(now, extended(Frame::Response { id: beat.0, end: true, payload: b"" }));
    client.receive(now, extended(Frame::Ping { answer: true, payload: &id.0.to_be_bytes() }));
    client.receive(now, extended(Frame::Response { id: id.0, end: false, payload: b"" }));
    assert_eq!((client.poll_event(now), client.stats().under_way), (None, 2));
}
