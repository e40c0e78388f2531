//! What costs a peer nothing has an end (RFC 9114 §10.5).

use bytes::Bytes;
use wirelace_http_semantics::Event;
use wirelace_http3::quic::{Direction, Event as QuicEvent};
use wirelace_http3::{Error, ErrorCode, Flood};

use crate::world::{GET, POST, Setup, World, frame, headers};

fn server() -> World {
    let mut world = Setup { client: None, ..Setup::default() }.connected();
    world.client.control(&[]);
    world
}

#[track_caller]
fn flooded(world: &mut World, flood: Flood) {
    world.rest();
    assert!(
        matches!(&world.server.error, Some(Error::Flood(found)) if *found == flood),
        "{:?}",
        world.server.error
    );
    assert_eq!(world.client.closed().map(ErrorCode), Some(ErrorCode::H3_EXCESSIVE_LOAD));
}

/// Opens as many streams as it can, with these octets, until that was done so often or the server has enough.
fn open(world: &mut World, times: usize, octets: &[u8], end: bool, reset: bool) -> usize {
    let mut done = 0;
    while done < times && world.server.error.is_none() {
        while done < times && world.client.quic().available(Direction::Bidirectional) > 0 {
            let stream = world.client.stream(Direction::Bidirectional, octets, end);
            done += 1;
            if reset {
                // What was sent goes first.
                world.settle(&mut |_| {});
                world.client.quic().reset(stream, 0x10c);
                world.client.quic().stop(stream, 0x10c);
            }
        }
        world.rest();
    }
    done
}

#[test]
fn rapid_resets() {
    let mut world = server();
    let done = open(&mut world, 5000, &headers(POST), false, true);
    assert!(done < 2000, "{done}");
    flooded(&mut world, Flood::Resets);
}

#[test]
fn requests_that_make_the_server_reset() {
    let mut world = server();
    let done = open(&mut world, 5000, &headers(&GET[1..]), true, false);
    assert!(done < 2000, "{done}");
    flooded(&mut world, Flood::Faults);
}

#[test]
fn stopped_answers_count_as_resets() {
    let mut world = server();
    let mut done = 0;
    while done < 5000 && world.server.error.is_none() {
        while world.client.quic().available(Direction::Bidirectional) > 0 {
            let stream = world.client.stream(Direction::Bidirectional, &headers(GET), true);
            world.settle(&mut |_| {});
            world.client.quic().stop(stream, 0x10c);
            done += 1;
        }
        world.rest();
    }
    assert!(done < 2000, "{done}");
    flooded(&mut world, Flood::Resets);
}

#[test]
fn empty_data() {
    let mut world = server();
    let octets = [headers(POST), frame(0, b"").repeat(200)].concat();
    world.client.stream(Direction::Bidirectional, &octets, false);
    flooded(&mut world, Flood::EmptyData);
}

#[test]
fn unknown_frames_without_end() {
    let mut world = server();
    let octets = [headers(POST), frame(0x21, b"").repeat(5000)].concat();
    world.client.stream(Direction::Bidirectional, &octets, false);
    flooded(&mut world, Flood::Controls);
    let mut world = server();
    let octets = [headers(POST), frame(0x21, &[0; 300_000])].concat();
    world.client.stream(Direction::Bidirectional, &octets, false);
    flooded(&mut world, Flood::Unknown);
    // A little of it is nobody's harm.
    let mut world = server();
    let octets = [headers(POST), frame(0x21, &[0; 1000]).repeat(10)].concat();
    world.client.stream(Direction::Bidirectional, &octets, false);
    world.rest();
    assert!(world.server.error.is_none());
}

#[test]
fn frames_that_change_nothing() {
    for kind in [0xf0700, 0x0d] {
        let mut world = Setup { client: None, ..Setup::default() }.connected();
        world.client.control(&frame(kind, &[0]).repeat(5000));
        flooded(&mut world, Flood::Controls);
    }
}

#[test]
fn early_priorities_are_kept_in_bounds() {
    let mut world = Setup { client: None, ..Setup::default() }.connected();
    let mut octets = Vec::new();
    for id in 0..500u64 {
        let mut payload = Vec::from(((id * 4) as u16 | 0x4000).to_be_bytes());
        payload.extend_from_slice(b"u=1");
        octets.extend(frame(0xf0700, &payload));
    }
    world.client.control(&octets);
    world.rest();
    world.client.stream(Direction::Bidirectional, &headers(GET), true);
    world.rest();
    let (http, _) = world.server.both();
    // The first of them made place for others.
    assert_eq!(http.priority(wirelace_http_semantics::StreamId(0)).urgency(), 3);
}

#[test]
fn trickled_octets_mean_the_same() {
    let mut world = server();
    let head = headers(POST);
    let octets = [frame(0x40, b"ab"), head, frame(0, b"hello"), headers(&[("x", "y")])].concat();
    let stream = world.client.stream(Direction::Bidirectional, &octets[..1], false);
    for (at, octet) in octets.iter().enumerate().skip(1) {
        world.rest();
        let end = at + 1 == octets.len();
        world.client.quic().write(stream, Bytes::copy_from_slice(&[*octet]), end).unwrap();
    }
    world.rest();
    let events = world.server.take_events();
    let mut body = Vec::new();
    for event in &events {
        if let Event::Data { data, .. } = event {
            body.extend_from_slice(data);
        }
    }
    assert_eq!(body, b"hello");
    assert!(matches!(events.first(), Some(Event::Head { end: false, .. })));
    assert!(matches!(events.last(), Some(Event::Trailers { .. })), "{events:?}");
}

#[test]
fn streams_of_unknown_types_are_stopped_and_counted() {
    let mut world = server();
    let mut opened = 0;
    while opened < 20_000 && world.server.error.is_none() {
        while world.client.quic().available(Direction::Unidirectional) > 0 {
            world.client.stream(Direction::Unidirectional, &[0x21], false);
            opened += 1;
        }
        let asked = |event: &QuicEvent| matches!(event, QuicEvent::Stopped { code: 0x103, .. });
        world.settle(&mut |_| {});
        world.run(std::time::Duration::from_millis(50), |_| {}, |_| false);
        assert!(world.client.quic_events.iter().any(asked) || world.server.error.is_some());
    }
    assert!(opened < 20_000);
    flooded(&mut world, Flood::Controls);
}
