//! Any datagram at any time.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use wirelace_sim::{Rng, mutate};
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{
    Checksum, ClientEvent, ClientLimits, ClientOptions, ClientStats, DatagramClient, Form, ServerEvent,
    ServerLimits, ServerOptions, ServerStats, Timing,
};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{CHECKED, Client, EXTENDED, Server, as_extended, base, encoded};

/// A datagram that is nearly, or quite, one of the protocol's. `own` are what the other side has sent.
fn datagram(rng: &mut Rng, own: &[Bytes], ids: u64, checked: u8) -> Bytes {
    let length = *rng.pick(&[0, 1, 8, 40, 150]);
    let payload = rng.bytes(length);
    let payload = &payload[..];
    let id = rng.next_u64() % ids;
    let code = ErrorCode(rng.next_u64() >> 40);
    let end = rng.percent(90);
    let timeout = rng.percent(50).then(|| rng.next_u64() >> *rng.pick(&[2, 40, 56]));
    let frame: Frame<&[u8]> = match rng.below(16) {
        0..7 => Frame::Request { id, end, timeout, payload },
        7 => Frame::Response { id, end, payload },
        8 => Frame::Error { id, code, text: b"text" },
        9 => Frame::Cancel { id, code },
        10 => Frame::Ping { answer: rng.percent(50), payload },
        11 => Frame::Message { payload },
        12 => Frame::Data { id, end, payload },
        13 => Frame::Credit { id, bytes: code.0 },
        14 => Frame::GoAway { last: id, code, text: b"text" },
        _ => Frame::Unknown { kind: FrameType(rng.next_u64() as u8 | 0x10), id, payload },
    };
    let whole = match rng.below(10) {
        0..3 if !own.is_empty() => rng.pick(own).clone(),
        3 | 4 => base(FrameType(rng.below(6) as u8), payload),
        5 => return rng.bytes(rng.clone().below(200)).into(),
        _ => encoded(frame, rng.percent(checked)),
    };
    if rng.percent(20) { mutate(rng, &whole).into() } else { whole }
}

fn as_request(datagram: &Bytes) -> Option<u64> {
    (datagram[0] == 20 && datagram[1] == 2).then(|| as_extended(datagram).id())
}

fn client_survives(seed: u64) -> ClientStats {
    let mut rng = Rng::new(seed);
    let form = *rng.pick(&[Form::Base, EXTENDED, CHECKED]);
    let limits = ClientLimits { datagram: 150, calls: 5 };
    let timing = Timing { jitter_percent: rng.below(256) as u8, ..Timing::default() };
    let mut client = Client::with(ClientOptions { form, limits: limits.clone(), timing: timing.clone() });
    client.machine = DatagramClient::new(ClientOptions { form, limits, timing }, seed);
    let mut open = HashSet::new();
    let mut answers = Vec::new();
    for _ in 0..200 {
        match rng.below(8) {
            0 => {
                let timeout = rng.percent(50).then(|| Duration::from_millis(rng.next_u64() >> 50));
                let payload = vec![0; rng.below(160)].into();
                if let Ok(id) = client.machine.call(client.now, payload, timeout) {
                    assert!(open.insert(id));
                }
            }
            1 => {
                if let Ok(id) = client.machine.heartbeat(client.now, None) {
                    assert!(open.insert(id));
                }
            }
            2 => drop(client.machine.send_message(client.now, vec![0; rng.below(160)].into())),
            3 if rng.percent(20) => {
                if let Some(id) = open.iter().min().copied() {
                    client.machine.cancel(client.now, id);
                    if client.machine.stats().events == 0 {
                        open.remove(&id);
                    }
                }
            }
            4 => {
                client.now += Duration::from_millis(rng.next_u64() >> 54);
                client.machine.on_deadline(client.now);
            }
            5 => {
                for sent in client.sent() {
                    assert!(sent.len() <= 150);
                    // An answer that fits, at once, later, or never.
                    let answer = match as_request(&sent) {
                        Some(id) => {
                            encoded(Frame::Response { id, end: true, payload: b"ok" }, form == CHECKED)
                        }
                        None if sent[0] == 10 => base(FrameType::RESPONSE, b"ok"),
                        None => Bytes::new(),
                    };
                    if rng.percent(30) {
                        client.receive(answer.clone());
                    }
                    answers.push(answer);
                    answers.push(sent);
                }
            }
            _ => client.receive(datagram(&mut rng, &answers, 1 << 62, 50)),
        }
        let stats = client.machine.stats();
        assert!(stats.under_way <= 5 && stats.waiting <= 5, "{stats:?}");
        assert!(stats.under_way + stats.events <= 5, "{stats:?}");
        assert!(stats.rto >= Duration::from_millis(20) && stats.rto <= Duration::from_secs(4));
        while let Some(event) = client.event() {
            assert!(open.remove(&event.id()), "a second end, or one of a cancelled call: {event:?}");
        }
    }
    while let Some(at) = client.machine.deadline() {
        client.now = at;
        client.machine.on_deadline(at);
        client.sent();
        while let Some(event) = client.event() {
            assert!(matches!(event, ClientEvent::TimedOut { .. }) && open.remove(&event.id()), "{event:?}");
        }
    }
    assert!(open.is_empty() && client.machine.is_idle());
    client.machine.stats()
}

fn server_survives(seed: u64) -> ServerStats {
    let mut rng = Rng::new(seed);
    let limits = ServerLimits {
        datagram: 150,
        requests: 4,
        requests_each: 2,
        cached: 6,
        cached_octets: 300,
        output: 400,
        messages: 4,
        control: (20, 5),
    };
    let (checksum, checked) = *rng.pick(&[(Checksum::Either, 50), (Checksum::On, 95), (Checksum::Off, 5)]);
    let mut server = Server::with(ServerOptions { limits, checksum, ..ServerOptions::default() });
    let (mut own, mut open) = (Vec::new(), HashSet::new());
    for _ in 0..300 {
        match rng.below(12) {
            0 => {
                server.now += Duration::from_millis(rng.next_u64() >> 51);
                server.machine.on_deadline(server.now);
            }
            1 => own.extend(server.sent().into_iter().map(|(_, datagram)| datagram)),
            2 | 3 => match server.event() {
                Some(ServerEvent::Request { id, .. }) => assert!(open.insert(id)),
                Some(ServerEvent::Cancelled { id }) => assert!(open.remove(&id)),
                _ => {}
            },
            4 => {
                // Perhaps one whose cancellation waits, then nothing happens.
                if let Some(id) = open.iter().min().copied() {
                    let before = server.machine.stats();
                    if rng.percent(50) {
                        let answer = server.machine.respond(server.now, id, vec![0; rng.below(160)].into());
                        assert!(answer.is_ok() || server.machine.stats().sent == before.sent);
                    } else {
                        server.machine.fail(server.now, id, ErrorCode(rng.next_u64()), "wörds");
                    }
                    let stats = server.machine.stats();
                    if stats.sent > before.sent {
                        open.remove(&id);
                    }
                }
            }
            _ => {
                let datagram = datagram(&mut rng, &own, 12, checked);
                if datagram.get(1) == Some(&2) {
                    own.push(datagram.clone());
                }
                server.receive_from(rng.below(4) as u32, datagram);
            }
        }
        let stats = server.machine.stats();
        assert!(stats.under_way <= 4 && stats.addresses <= stats.under_way, "{stats:?}");
        assert!(stats.events <= 2 * 4 + 4 && stats.kept <= 6 && stats.kept_octets <= 300, "{stats:?}");
        assert!(stats.output <= 400 + 5 * 150, "{stats:?}");
    }
    // All ends when all is answered and time goes by.
    while let Some(event) = server.event() {
        match event {
            ServerEvent::Request { id, .. } => assert!(open.insert(id)),
            ServerEvent::Cancelled { id } => assert!(open.remove(&id)),
            _ => {}
        }
    }
    for id in open {
        server.machine.fail(server.now, id, ErrorCode::APPLICATION, "over");
    }
    while server.event().is_some() {}
    server.sent();
    server.advance(Duration::from_secs(30));
    server.is_empty();
    server.machine.stats()
}

#[test]
fn what_is_tried_at_random_reaches_everything() {
    let clients: Vec<ClientStats> = (0..300).map(client_survives).collect();
    let client = |count: fn(&ClientStats) -> u64| clients.iter().map(count).sum::<u64>();
    let reached = [
        client(|stats| stats.retransmitted),
        client(|stats| stats.wrong),
        client(|stats| stats.duplicates),
        client(|stats| stats.timed_out),
        client(|stats| u64::from(stats.round_trip.is_some())),
    ];
    assert!(reached.iter().all(|count| *count > 100), "{reached:?}");
    let servers: Vec<ServerStats> = (0..300).map(server_survives).collect();
    let server = |count: fn(&ServerStats) -> u64| servers.iter().map(count).sum::<u64>();
    let reached = [
        server(|stats| stats.requests),
        server(|stats| stats.repeats),
        server(|stats| stats.resent),
        server(|stats| stats.messages),
        server(|stats| stats.cancelled),
        server(|stats| stats.refused),
        server(|stats| stats.reused),
        server(|stats| stats.wrong),
        server(|stats| stats.dropped),
    ];
    assert!(reached.iter().all(|count| *count > 100), "{reached:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_client_survives_anything(seed: u64) {
        let _ = client_survives(seed);
    }

    #[test]
    fn a_server_survives_anything(seed: u64) {
        let _ = server_survives(seed);
    }

    #[test]
    fn octets_at_random_start_nothing_at_a_client(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
        for form in [Form::Base, EXTENDED, CHECKED] {
            let mut client = Client::new(form);
            client.receive(octets.clone().into());
            prop_assert_eq!(client.event(), None);
            prop_assert_eq!(client.sent().len(), 0);
        }
    }

    #[test]
    fn a_payload_arrives_as_it_is(payload in proptest::collection::vec(any::<u8>(), 0..1100)) {
        for form in [Form::Base, EXTENDED, CHECKED] {
            let (mut client, mut server) = (Client::new(form), Server::new());
            client.machine.call(client.now, payload.clone().into(), None).unwrap();
            server.receive(client.sent_one());
            let (id, received) = server.request();
            prop_assert_eq!(&received, &payload);
            server.machine.respond(server.now, id, received).unwrap();
            client.receive(server.sent_one());
            let Some(ClientEvent::Response { payload: answer, .. }) = client.event() else { panic!("none") };
            prop_assert_eq!(&answer, &payload);
        }
    }
}
