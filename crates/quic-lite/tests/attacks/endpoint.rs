//! Datagrams that are for no connection, or begin one: what an endpoint keeps, answers, and lets pass.

use std::time::{Duration, Instant, SystemTime};

use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::header::Header;
use wirelace_quic_lite::{CloseReason, Connection, Endpoint, Event, Limits, Remembered, Routed};
use wirelace_tls_glue::quic::{QuicSession, Side, TokenKeys, Version, retry_tag};

use crate::peer::{Peer, Shape};
use crate::wire::{Random, crypto};
use crate::world::{CLIENT, SERVER, Setup, World, client_config, client_tls, datagram, server_config, usual};

const SECOND: Duration = Duration::from_secs(1);

fn server() -> Endpoint {
    Endpoint::new(Some(server_config(&Limits::default())), &[9; 32])
}

/// A client's first packets with a hello that goes on for some datagrams.
fn client(original: &[u8]) -> Peer {
    let mut peer = Peer::new(Side::Client, Version::V1, original, original, b"the peer");
    let mut parameters = usual();
    parameters.initial_source_connection_id = wirelace_quic_lite::ConnectionId::new(b"the peer");
    let mut encoded = Vec::new();
    parameters.write(&mut encoded);
    let tls = client_tls("hq");
    peer.tls = Some(QuicSession::client(&tls, Version::V1, "example.com", &encoded, Instant::now()).unwrap());
    peer
}

fn route(endpoint: &mut Endpoint, data: &[u8], out: &mut Vec<u8>) -> Routed {
    endpoint.route(Instant::now(), SystemTime::now(), datagram(CLIENT.parse().unwrap(), data), out)
}

/// Octets that the endpoint holds after it has seen these.
fn kept(endpoint: &mut Endpoint, datagrams: impl Iterator<Item = Vec<u8>>) -> (i64, usize) {
    let (mut held, mut answered, mut out) = (0, 0, Vec::with_capacity(2000));
    let now = Instant::now();
    for data in datagrams {
        let info = allocation_counter::measure(|| {
            let routed =
                endpoint.route(now, SystemTime::now(), datagram(CLIENT.parse().unwrap(), &data), &mut out);
            if let Routed::Answer(transmit) = routed {
                assert!(transmit.size <= data.len());
                answered += 1;
            }
        });
        held += info.bytes_current;
    }
    (held, answered)
}

#[test]
fn first_packets_that_are_too_short() {
    let mut endpoint = server();
    let mut out = Vec::new();
    for size in [100, 1199] {
        let mut peer = client(b"original");
        let packet = peer.packet(&Shape { size, ..Shape::new(PacketType::Initial) }, &[0x01]);
        assert_eq!(packet.len(), size);
        assert!(matches!(route(&mut endpoint, &packet, &mut out), Routed::Nothing));
    }
    for length in [0, 1, 7] {
        let mut peer = client(&b"original"[..length]);
        let packet = peer.packet(&Shape { size: 1200, ..Shape::new(PacketType::Initial) }, &[0x01]);
        assert!(matches!(route(&mut endpoint, &packet, &mut out), Routed::Nothing), "{length}");
    }
    let mut peer = client(b"original");
    let packet = peer.packet(&Shape { size: 1200, ..Shape::new(PacketType::Initial) }, &[0x01]);
    assert!(matches!(route(&mut endpoint, &packet, &mut out), Routed::Incoming(_)));
    assert!(endpoint.is_empty());
}

#[test]
fn nothing_is_kept_of_what_begins_no_connection() {
    let mut random = Random::new(3);
    let mut endpoint = server();
    // Who is not accepted leaves nothing behind, valid or not.
    let mut peer = client(b"original");
    let packet = peer.packet(&Shape { size: 1200, ..Shape::new(PacketType::Initial) }, &[0x01]);
    let packets = (0..5000_u64).map(|number| {
        let mut packet = packet.clone();
        packet[6..14].copy_from_slice(&number.to_be_bytes());
        packet
    });
    assert_eq!(kept(&mut endpoint, packets), (0, 0));
    // Versions that nobody knows: answered some times, then no more.
    let unknown = (0..5000).map(|_| {
        let mut packet = packet.clone();
        packet[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
        packet
    });
    assert_eq!(kept(&mut endpoint, unknown), (0, 200));
    // The same too short for an answer, and Version Negotiation itself.
    let mut short = packet.clone();
    short[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
    short.truncate(1199);
    assert_eq!(kept(&mut server(), std::iter::repeat_n(short, 100)), (0, 0));
    let mut negotiation = packet.clone();
    negotiation[1..5].copy_from_slice(&[0; 4]);
    assert_eq!(kept(&mut server(), std::iter::repeat_n(negotiation, 100)), (0, 0));
    // Empty, short, random.
    let garbage = (0..20_000).map(|_| {
        let length = random.below(60) as usize;
        random.octets(length)
    });
    let (held, answered) = kept(&mut server(), garbage);
    assert!(held == 0 && answered <= 200, "{held} {answered}");
}

#[test]
fn a_client_answers_nobody() {
    let mut endpoint = Endpoint::new(None, &[1; 32]);
    let mut random = Random::new(4);
    let garbage = (0..2000).map(|_| {
        let length = random.below(1500) as usize;
        random.octets(length)
    });
    assert_eq!(kept(&mut endpoint, garbage), (0, 0));
}

#[test]
fn two_endpoints_that_reset_each_other_come_to_an_end() {
    let (mut one, mut other) = (server(), server());
    for size in [22, 23, 30, 42, 43, 44, 100, 1200, 1472] {
        let mut data = vec![0x41; size];
        let mut out = Vec::new();
        let mut turns = 0;
        while let Routed::Answer(transmit) = route(&mut one, &data, &mut out) {
            assert!(transmit.size < data.len());
            data = out.clone();
            turns += 1;
            std::mem::swap(&mut one, &mut other);
            assert!(turns <= 22);
        }
    }
    // And as often as it likes, not more.
    let (_, answered) = kept(&mut server(), std::iter::repeat_n(vec![0x41; 1000], 10_000));
    assert_eq!(answered, 200);
}

#[test]
fn no_reset_tells_the_token_of_a_living_connection() {
    let mut world = World::open(Side::Server);
    let id = world.peer.destination.clone();
    let mut out = Vec::new();
    // With the id of a connection it goes to the connection, which says nothing.
    let mut data = vec![0x41];
    data.extend_from_slice(&id);
    data.resize(100, 7);
    for head in 0x40..0x80 {
        data[0] = head;
        assert!(matches!(route(&mut world.endpoint, &data, &mut out), Routed::Connection(..)));
    }
    // Without the fixed bit it is no packet, and no reason to tell either.
    for head in 0..0x40 {
        let wrong = [&[head], &data[1..]].concat();
        assert!(matches!(route(&mut world.endpoint, &wrong, &mut out), Routed::Nothing));
    }
    let before = world.sent.0;
    world.deliver(&data);
    world.pump();
    assert_eq!(world.sent.0, before);
    world.goes_on();
}

#[test]
fn a_forgotten_connection_is_reset() {
    // The server has lost its memory: what it says to the client's packets ends the client's connection.
    let limits = Limits::default();
    let mut clients = Endpoint::new(None, &[3; 32]);
    let (mut out, now) = (Vec::new(), Instant::now());
    let remote = SERVER.parse().unwrap();
    let (handle, mut connection) =
        clients.connect(&client_config(&limits), "example.com", remote, &Remembered::default(), now).unwrap();
    let mut servers = server();
    let mut accepted: Option<Connection> = None;
    for _ in 0..20 {
        while connection.poll_transmit(now, &mut out, 1).is_some() {
            let data = out.clone();
            match route(&mut servers, &data, &mut out) {
                Routed::Incoming(incoming) => {
                    let (_, connection) = servers.accept(now, *incoming).unwrap();
                    accepted = Some(connection);
                }
                Routed::Connection(_, datagram) => accepted.as_mut().unwrap().receive(now, datagram),
                other => panic!("{other:?}"),
            }
        }
        let Some(server) = &mut accepted else { continue };
        while server.poll_transmit(now, &mut out, 1).is_some() {
            connection.receive(now, datagram(remote, &out));
        }
    }
    assert!(!connection.is_handshaking());
    clients.update(handle, &mut connection);
    while connection.poll_event().is_some() {}
    // Another endpoint with the same keys.
    let mut servers = server();
    let later = now + SECOND;
    connection.ping();
    let stream = connection.open(wirelace_quic_lite::Direction::Bidirectional).unwrap();
    connection.write(stream, vec![7; 500].into(), false).unwrap();
    assert!(connection.poll_transmit(later, &mut out, 1).is_some());
    let data = out.clone();
    let Routed::Answer(transmit) = route(&mut servers, &data, &mut out) else { panic!("no reset") };
    assert!(transmit.size < data.len());
    let reset = out.clone();
    // From elsewhere, or changed, it is nothing.
    for wrong in [true, false] {
        let mut data = reset.clone();
        if wrong {
            *data.last_mut().unwrap() ^= 1;
        }
        let from = if wrong { remote } else { "192.0.2.9:443".parse().unwrap() };
        match clients.route(later, SystemTime::now(), datagram(from, &data), &mut out) {
            Routed::Connection(_, datagram) => connection.receive(later, datagram),
            Routed::Nothing => {}
            other => panic!("{other:?}"),
        }
        assert!(!connection.is_closing());
    }
    match clients.route(later, SystemTime::now(), datagram(remote, &reset), &mut out) {
        Routed::Connection(found, datagram) => {
            assert_eq!(found, handle);
            connection.receive(later, datagram);
        }
        other => panic!("a reset goes to nobody: {other:?}"),
    }
    assert!(matches!(connection.poll_event(), Some(Event::Closed(CloseReason::Reset))));
    assert!(connection.poll_transmit(later, &mut out, 1).is_none());
}

#[test]
fn three_times_what_came_and_no_more() {
    // Whatever is in the datagrams of a client that has shown nothing yet; how much of it is padding.
    for (pieces, size) in [(1, 1200), (1, 1472), (3, 1300)] {
        let mut endpoint = server();
        let mut peer = client(b"original");
        peer.pull();
        let hello = std::mem::take(&mut peer.outgoing[0]);
        let (mut connection, mut received, mut sent) = (None, 0, 0);
        let (mut out, mut now) = (Vec::new(), Instant::now());
        let length = hello.len().div_ceil(pieces);
        for (number, piece) in hello.chunks(length).enumerate() {
            let shape = Shape { size, ..Shape::new(PacketType::Initial) };
            let packet = peer.packet(&shape, &crypto((number * length) as u64, piece));
            received += packet.len();
            match route(&mut endpoint, &packet, &mut out) {
                Routed::Incoming(incoming) => connection = Some(endpoint.accept(now, *incoming).unwrap().1),
                Routed::Connection(_, datagram) => connection.as_mut().unwrap().receive(now, datagram),
                other => panic!("{other:?}"),
            }
            let connection = connection.as_mut().unwrap();
            while let Some(transmit) = connection.poll_transmit(now, &mut out, 10) {
                sent += transmit.size;
            }
            assert!(sent <= 3 * received, "{sent} for {received}");
        }
        // Timeouts bring nothing more, nor do packets that cannot be opened beyond what they are.
        let mut connection = connection.unwrap();
        for turn in 0..50 {
            let Some(deadline) = connection.deadline() else { break };
            assert!(deadline > now || turn == 0);
            now = now.max(deadline);
            connection.on_deadline(now);
            while let Some(transmit) = connection.poll_transmit(now, &mut out, 10) {
                sent += transmit.size;
            }
            assert!(sent <= 3 * received, "{sent} for {received}");
        }
        assert!(connection.is_closed() || connection.poll_event().is_some());
    }
}

#[test]
fn a_close_counts_too() {
    // Wrong at once: what it says of that keeps to the limit, however often the client repeats itself.
    let mut world = World::begin(Side::Server, Setup { protocol: "other", ..Setup::default() });
    world.peer.mute = true;
    let mut received = 1200;
    world.collect();
    for _ in 0..100 {
        let packet = world.peer.packet(&Shape { size: 1200, ..Shape::new(PacketType::Initial) }, &[0x01]);
        received += packet.len();
        world.deliver(&packet);
        world.collect();
        assert!(world.sent.1 <= 3 * received);
    }
    assert!(world.sent.0 <= 10, "{} datagrams", world.sent.0);
}

/// A client's first packet with a token, and what comes of it.
fn with_token(
    endpoint: &mut Endpoint,
    token: &[u8],
    id: &[u8],
    from: &str,
    at: SystemTime,
) -> (Routed, Vec<u8>) {
    let mut peer = client(id);
    let shape = Shape { size: 1200, token: Some(token.to_vec()), ..Shape::new(PacketType::Initial) };
    let packet = peer.packet(&shape, &[0x01]);
    let mut out = Vec::new();
    let routed = endpoint.route(Instant::now(), at, datagram(from.parse().unwrap(), &packet), &mut out);
    if let Routed::Answer(_) = routed {
        peer.take(Instant::now(), &out);
        out = peer.close.map_or(Vec::new(), |(code, _)| vec![code as u8]);
    }
    (routed, out)
}

#[test]
fn tokens_that_prove_nothing() {
    let mut endpoint = server();
    let now = SystemTime::now();
    let mut peer = client(b"original");
    let packet = peer.packet(&Shape { size: 1200, ..Shape::new(PacketType::Initial) }, &[0x01]);
    let mut out = Vec::new();
    let Routed::Incoming(incoming) = route(&mut endpoint, &packet, &mut out) else { panic!() };
    assert!(!incoming.is_validated() && incoming.may_retry());
    endpoint.retry(now, &incoming, &mut out).unwrap();
    assert!(out.len() < packet.len());
    let Ok(Header::Retry { source, token, .. }) = Header::parse(&out, 8) else { panic!() };
    let (id, token) = (source.as_slice().to_vec(), out[token].to_vec());
    let valid = |routed: &Routed| matches!(routed, Routed::Incoming(incoming) if incoming.is_validated());

    let (routed, _) = with_token(&mut endpoint, &token, &id, CLIENT, now);
    assert!(valid(&routed));
    // No second Retry.
    let Routed::Incoming(incoming) = routed else { panic!() };
    assert!(!incoming.may_retry() && endpoint.retry(now, &incoming, &mut out).is_none());
    // From another port, address, to another id, too late: INVALID_TOKEN, and nothing is kept.
    for (id, from, at) in [
        (&id[..], "192.0.2.1:50001", now),
        (&id, "192.0.2.7:50000", now),
        (b"another!", CLIENT, now),
        (&id, CLIENT, now + 3600 * SECOND),
    ] {
        let (routed, code) = with_token(&mut endpoint, &token, id, from, at);
        assert!(matches!(routed, Routed::Answer(_)), "{from} {routed:?}");
        assert_eq!(code, [0x0b]);
    }
    // Of somebody else, cut, changed, made up: nothing is known of the address.
    let foreign =
        TokenKeys::new(&[1; 32]).seal_retry(CLIENT.parse().unwrap(), b"original", &id, now, &[5; 16]);
    let mut changed = token.clone();
    *changed.last_mut().unwrap() ^= 1;
    for token in [foreign.unwrap(), changed, token[..token.len() - 1].to_vec(), vec![7; 100], vec![0; 500]] {
        let (routed, _) = with_token(&mut endpoint, &token, &id, CLIENT, now);
        assert!(matches!(&routed, Routed::Incoming(incoming) if !incoming.is_validated()), "{routed:?}");
    }
    assert!(endpoint.is_empty());
    // Accepted, dropped, refused: each once, as the types want it.
    let Routed::Incoming(incoming) = with_token(&mut endpoint, &token, &id, CLIENT, now).0 else { panic!() };
    assert!(endpoint.refuse(&incoming, &mut out).is_some_and(|transmit| transmit.size < 100));
    assert!(endpoint.is_empty());
    let (handle, _) = endpoint.accept(Instant::now(), *incoming).unwrap();
    assert_eq!(endpoint.len(), 1);
    endpoint.remove(handle);
    endpoint.remove(handle);
    assert!(endpoint.is_empty());
}

#[test]
fn a_retry_that_is_used_again_while_its_connection_lives() {
    let mut endpoint = server();
    let now = SystemTime::now();
    let keys = TokenKeys::new(&[7; 32]);
    let token = keys.seal_retry(CLIENT.parse().unwrap(), b"original", b"retry id", now, &[5; 16]).unwrap();
    let Routed::Incoming(incoming) = with_token(&mut endpoint, &token, b"retry id", CLIENT, now).0 else {
        panic!()
    };
    assert!(incoming.is_validated());
    let _connection = endpoint.accept(Instant::now(), *incoming).unwrap();
    for _ in 0..100 {
        let (routed, _) = with_token(&mut endpoint, &token, b"retry id", CLIENT, now);
        assert!(matches!(routed, Routed::Connection(..)));
    }
    assert_eq!(endpoint.len(), 1);
}

/// A Version Negotiation packet.
fn negotiation(to: &[u8], from: &[u8], versions: &[u32]) -> Vec<u8> {
    let mut packet = vec![0xca, 0, 0, 0, 0];
    for id in [to, from] {
        packet.push(id.len() as u8);
        packet.extend_from_slice(id);
    }
    versions.iter().for_each(|version| packet.extend_from_slice(&version.to_be_bytes()));
    packet
}

#[test]
fn version_negotiation_that_is_not_to_be_believed() {
    let mut world = World::begin(Side::Client, Setup::default());
    let (to, from) = (world.peer.destination.clone(), world.peer.original.clone());
    // Our own version is among them; somebody who has not seen the client's id; none, half a one.
    for packet in [
        negotiation(&to, &from, &[1, 0x1a2a_3a4a]),
        negotiation(&to, b"whatever", &[0x1a2a_3a4a]),
        negotiation(&to, &from, &[]),
        negotiation(&to, &from, &[0x1a2a_3a4a])[..25].to_vec(),
    ] {
        world.deliver(&packet);
        world.collect();
        assert!(!world.subject.is_closing());
    }
    // After the first packet of the server it is too late.
    world.pump();
    world.deliver(&negotiation(&to, &from, &[0x1a2a_3a4a]));
    world.pump();
    world.goes_on();
    // And before it is to be believed.
    let mut world = World::begin(Side::Client, Setup::default());
    let (to, from) = (world.peer.destination.clone(), world.peer.original.clone());
    world.deliver(&negotiation(&to, &from, &[0x1a2a_3a4a]));
    world.collect();
    assert!(
        matches!(world.reason(), Some(CloseReason::Version { versions }) if versions[..] == [0x1a2a_3a4a])
    );
}

#[test]
fn retries_that_are_not_to_be_believed() {
    let retry = |original: &[u8], to: &[u8], from: &[u8], token: &[u8]| {
        let mut packet = vec![0xf0, 0, 0, 0, 1];
        for id in [to, from] {
            packet.push(id.len() as u8);
            packet.extend_from_slice(id);
        }
        packet.extend_from_slice(token);
        let tag = retry_tag(Version::V1, original, &packet).unwrap();
        packet.extend_from_slice(&tag);
        packet
    };
    let mut world = World::begin(Side::Client, Setup::default());
    let (to, original) = (world.peer.destination.clone(), world.peer.original.clone());
    let mut changed = retry(&original, &to, b"retry id", b"a token");
    changed[25] ^= 1;
    for packet in [
        retry(b"whatever", &to, b"retry id", b"a token"),
        retry(&original, &to, &original, b"a token"),
        retry(&original, &to, b"retry id", b""),
        changed,
    ] {
        let before = world.sent.0;
        world.deliver(&packet);
        world.collect();
        assert_eq!(world.sent.0, before, "it was answered");
    }
    // After the server's first packet it is too late; to a server it is nothing.
    world.pump();
    world.deliver(&retry(&original, &to, b"retry id", b"a token"));
    world.pump();
    world.goes_on();
    let mut world = World::begin(Side::Server, Setup::default());
    let to = world.peer.destination.clone();
    world.deliver(&retry(b"original", &to, b"retry id", b"a token"));
    world.pump();
    world.goes_on();
    // One is enough.
    let mut world = World::begin(Side::Client, Setup::default());
    let (to, original) = (world.peer.destination.clone(), world.peer.original.clone());
    world.deliver(&retry(&original, &to, b"retry id", b"a token"));
    world.collect();
    let before = world.sent.0;
    assert!(before > 0);
    world.deliver(&retry(&original, &to, b"and more", b"a token"));
    world.collect();
    assert_eq!(world.sent.0, before);
    // A server that says in its parameters that there was none.
    world.peer.mute = false;
}

#[test]
fn initial_packets_under_the_wrong_id_or_version() {
    let mut world = World::open(Side::Server);
    let mut out = Vec::new();
    for size in [0, 1, 5, 20] {
        assert!(matches!(route(&mut world.endpoint, &vec![0x40; size], &mut out), Routed::Nothing));
    }
    // Another version to the id of the connection.
    let mut packet = vec![0xc3, 0x6b, 0x33, 0x43, 0xcf, 8];
    packet.extend_from_slice(&world.peer.destination.clone());
    packet.extend_from_slice(&[0, 0, 0x44, 0xb0]);
    packet.resize(1220, 7);
    world.deliver(&packet);
    world.pump();
    world.goes_on();
}

#[test]
fn a_datagram_for_two_connections() {
    // What comes behind, under another id, counts for nothing (RFC 9000 §12.2).
    let mut world = World::begin(Side::Server, Setup::default());
    world.collect();
    let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
    let first = world.peer.packet(&shape, &[0x01]);
    let shape = Shape { destination: Some(b"somebody".to_vec()), ..Shape::new(PacketType::Handshake) };
    let second = world.peer.packet(&shape, &[0x3f]);
    let dropped = world.subject.stats().packets_dropped;
    world.deliver(&[first, second].concat());
    assert_eq!(world.subject.stats().packets_dropped, dropped + 1);
    assert!(!world.subject.is_closing());
    world.pump();
    world.goes_on();
}

#[test]
fn version_2_has_its_own_keys_and_types() {
    for subject in [Side::Server, Side::Client] {
        let mut world = World::open_with(subject, Setup { version: Version::V2, ..Setup::default() });
        world.goes_on();
        // A packet of version 1 to a connection of version 2 (RFC 9369 §4).
        world.peer.version = Version::V1;
        let dropped = world.subject.stats().packets_dropped;
        let mut packet = vec![0xe3, 0, 0, 0, 1, 8];
        packet.extend_from_slice(&world.peer.destination.clone());
        packet.extend_from_slice(b"\x08the peer\x40\x30");
        packet.resize(packet.len() + 0x30, 7);
        world.deliver(&packet);
        assert_eq!(world.subject.stats().packets_dropped, dropped + 1);
        world.goes_on();
    }
}

#[test]
fn handshakes_that_are_begun_and_left() {
    // Each from another address, with a hello that is whole; they go when their time is up.
    const COUNT: u64 = 50;
    let (mut endpoint, now) = (server(), Instant::now());
    let (mut open, mut held, mut out) = (Vec::new(), 0, Vec::with_capacity(20_000));
    for number in 0..COUNT {
        let mut peer = client(&number.to_be_bytes());
        peer.pull();
        let hello = std::mem::take(&mut peer.outgoing[0]);
        let shape = Shape { size: 1200, ..Shape::new(PacketType::Initial) };
        let packet = peer.packet(&shape, &crypto(0, &hello));
        let from = format!("198.51.100.{number}:1000").parse().unwrap();
        let info = allocation_counter::measure(|| {
            let datagram = datagram(from, &packet);
            let Routed::Incoming(incoming) = endpoint.route(now, SystemTime::now(), datagram, &mut out)
            else {
                panic!("a first packet")
            };
            let (handle, mut connection) = endpoint.accept(now, *incoming).unwrap();
            while connection.poll_transmit(now, &mut out, 10).is_some() {}
            endpoint.update(handle, &mut connection);
            open.push((handle, connection));
        });
        held += info.bytes_current;
    }
    eprintln!("{} octets for each of {COUNT} handshakes", held / COUNT as i64);
    assert!(held < COUNT as i64 * 64 * 1024, "{held} octets");
    assert_eq!(endpoint.len() as u64, COUNT);
    for (handle, mut connection) in open {
        let mut turns = 0;
        while !connection.is_closed() {
            let deadline = connection.deadline().unwrap();
            assert!(deadline <= now + 11 * SECOND);
            connection.on_deadline(deadline);
            while connection.poll_transmit(deadline, &mut out, 10).is_some() {}
            while connection.poll_event().is_some() {}
            turns += 1;
            assert!(turns < 50);
        }
        endpoint.remove(handle);
    }
    assert!(endpoint.is_empty());
}
