//! Limits, each with a test that hits it.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use wirelace_http_semantics::{Event, Fields, Head, Reason, ResponseHead, SendError, StreamId};
use wirelace_http3::quic::{Direction, StreamId as QuicStream};
use wirelace_http3::{Error, ErrorCode, Limits};
use wirelace_qpack::hpack::{BlockLimits, HeaderBlock};
use wirelace_qpack::{Decoder, Encoder};

use crate::world::{GET, POST, Setup, World, frame, headers, request, section};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn server(change: impl FnOnce(&mut Limits)) -> World {
    let mut world = Setup { client: None, server: Some(limits(change)), ..Setup::default() }.connected();
    world.client.control(&[]);
    world
}

/// The status of the answer on a stream.
fn status(world: &mut World, stream: QuicStream) -> String {
    world.rest();
    let octets = world.client.read(stream);
    let (header, taken) = wirelace_http3::frame::FrameHeader::decode(&octets).unwrap();
    let payload = Bytes::copy_from_slice(&octets[taken..taken + header.length as usize]);
    let mut block = HeaderBlock::new();
    let limits = BlockLimits { fields: 10, list_size: 1000 };
    Decoder::new(Default::default()).section(0, payload, &limits, &mut block).unwrap();
    let status = block.iter().next().unwrap();
    String::from_utf8(status.value.to_vec()).unwrap()
}

#[test]
fn a_large_head_is_answered_with_431() {
    let value = "v".repeat(4000);
    let at_most = |size: usize| move |limits: &mut Limits| limits.field_section = size as u64;
    let fields = [GET, &[("x", &value[..])]].concat();
    let size: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    let mut world = server(at_most(size));
    let stream = world.client.stream(Direction::Bidirectional, &headers(&fields), true);
    world.rest();
    assert_eq!(world.server.take_events().len(), 1);
    assert_eq!(world.client.reset(stream), None);

    let mut world = server(at_most(size - 1));
    let stream = world.client.stream(Direction::Bidirectional, &headers(&fields), true);
    assert_eq!(status(&mut world, stream), "431");
    // One that is too large even before it is decoded, and never ends.
    let octets = [&[0x01, 0x80, 0x10, 0, 0][..], &[0; 10_000]].concat();
    let stream = world.client.stream(Direction::Bidirectional, &octets, false);
    assert_eq!(status(&mut world, stream), "431");
    assert!(world.server.events.is_empty() && world.server.error.is_none());
}

#[test]
fn static_references_count_as_what_they_stand_for() {
    // `:method GET`, and one octet for each of many fields of 60 (CVE-2025-64702 in small).
    let bomb = [section(GET), vec![0xc0 | 29; 40_000]].concat();
    let mut world = server(|_| {});
    let stream = world.client.stream(Direction::Bidirectional, &frame(1, &bomb), true);
    assert_eq!(status(&mut world, stream), "431");
}

#[test]
fn the_number_of_fields_is_limited() {
    let mut world = server(|limits| limits.fields = 10);
    let many: Vec<(&str, &str)> = GET.iter().copied().chain([("x", "y"); 7]).collect();
    world.client.stream(Direction::Bidirectional, &headers(&many[..10]), true);
    let stream = world.client.stream(Direction::Bidirectional, &headers(&many), true);
    assert_eq!(status(&mut world, stream), "431");
    assert_eq!(world.server.events.len(), 1);
}

#[test]
fn trailers_are_limited_alike() {
    let many = [("x", "y"); 200];
    let mut world = server(|_| {});
    let octets = [headers(POST), headers(&many)].concat();
    let stream = world.client.stream(Direction::Bidirectional, &octets, true);
    world.rest();
    assert_eq!(world.client.reset(stream).map(ErrorCode), Some(ErrorCode::H3_EXCESSIVE_LOAD));
    let events = world.server.take_events();
    assert!(
        matches!(&events[..], [Event::Head { .. }, Event::Reset { reason: Reason::Limit, .. }]),
        "{events:?}"
    );
}

#[test]
fn a_body_that_is_announced_too_large_is_answered_with_413() {
    let mut world = server(|limits| limits.body = 100);
    let fields = |length| headers(&[POST, &[("content-length", length)]].concat());
    let stream = world.client.stream(Direction::Bidirectional, &fields("101"), false);
    assert_eq!(status(&mut world, stream), "413");
    let octets = [headers(POST), frame(0, &[0; 60]), frame(0, &[0; 60])].concat();
    let stream = world.client.stream(Direction::Bidirectional, &octets, false);
    world.rest();
    assert_eq!(world.client.reset(stream).map(ErrorCode), Some(ErrorCode::H3_EXCESSIVE_LOAD));
    assert!(matches!(world.server.events.last(), Some(Event::Reset { reason: Reason::Limit, .. })));
}

#[test]
fn interim_responses_are_counted() {
    let client = limits(|limits| limits.interim = 3);
    let mut world = Setup { client: Some(client), ..Setup::default() }.connected();
    let (http, quic) = world.client.both();
    let stream = http.send_request(quic, &request(Method::GET, "/"), true).unwrap();
    world.rest();
    let (http, quic) = world.server.both();
    for _ in 0..4 {
        let head = ResponseHead::new(http::StatusCode::EARLY_HINTS);
        http.send_head(quic, stream, &Head::Response(head), false).unwrap();
    }
    world.rest();
    let events = world.client.take_events();
    assert_eq!(events.len(), 4, "{events:?}");
    assert!(matches!(events.last(), Some(Event::Reset { reason: Reason::Limit, .. })));
}

/// A section that needs what the encoder stream has not brought, and what that is.
fn blocked(name: &str) -> (Vec<u8>, Vec<u8>) {
    let mut encoder = Encoder::new(4096);
    encoder.set_peer_limits(4096, 16).unwrap();
    let mut out = Vec::new();
    for _ in 0..3 {
        // An encoder inserts what it has seen before.
        out.clear();
        encoder.section(0, &mut out, |writer| {
            for (name, value) in GET {
                writer.field((*name).into(), value.as_bytes(), Default::default());
            }
            writer.field(name.into(), b"a value that is worth an entry", Default::default());
        });
        if out[0] != 0 {
            break;
        }
    }
    assert_ne!(out[0], 0, "it refers to the table");
    (out, encoder.output().clone())
}

#[test]
fn a_blocked_request_waits_for_the_encoder_stream() {
    let (section, instructions) = blocked("x-some-name");
    let mut world = server(|_| {});
    let octets = [frame(1, &section), frame(0, b"abc")].concat();
    world.client.stream(Direction::Bidirectional, &octets, true);
    world.rest();
    assert!(world.server.events.is_empty());
    assert_eq!(world.server.both().0.stats().blocked_sections, 1);
    let octets = [&[0x02][..], &instructions].concat();
    world.client.stream(Direction::Unidirectional, &octets, false);
    world.rest();
    let events = world.server.take_events();
    match &events[..] {
        [Event::Head { head: Head::Request(head), end: false, .. }, Event::Data { data, end: true, .. }] => {
            assert_eq!(head.fields.get_str("x-some-name"), Some("a value that is worth an entry"));
            assert_eq!(&data[..], b"abc");
        }
        events => panic!("{events:?}"),
    }
}

#[test]
fn blocked_streams_and_octets_are_limited() {
    let (section, _) = blocked("x-some-name");
    let mut world = server(|limits| limits.qpack.blocked_streams = 2);
    for _ in 0..2 {
        world.client.stream(Direction::Bidirectional, &frame(1, &section), false);
    }
    world.rest();
    assert!(world.server.error.is_none());
    // One that is reset makes room.
    world.client.quic().reset(QuicStream(0), 0x10c);
    world.rest();
    world.client.stream(Direction::Bidirectional, &frame(1, &section), false);
    world.rest();
    assert!(world.server.error.is_none());
    world.client.stream(Direction::Bidirectional, &frame(1, &section), false);
    world.rest();
    assert_eq!(world.client.closed().map(ErrorCode), Some(ErrorCode::QPACK_DECOMPRESSION_FAILED));

    let mut world = server(|limits| limits.qpack.blocked_bytes = 100);
    world.client.stream(Direction::Bidirectional, &frame(1, &[&section[..], &[0xd1; 100]].concat()), false);
    world.rest();
    assert_eq!(world.client.closed().map(ErrorCode), Some(ErrorCode::H3_EXCESSIVE_LOAD));
}

#[test]
fn settings_and_heads_come_in_time() {
    let five = limits(|limits| limits.timeouts.head = Some(Duration::from_secs(5)));
    let mut world = Setup { client: None, server: Some(five), ..Setup::default() }.connected();
    assert!(world.run(Duration::from_secs(20), |_| {}, |world| world.server.error.is_some()));
    assert!(matches!(world.server.error, Some(Error::SettingsTimeout)));

    let mut world = server(|limits| limits.timeouts.head = Some(Duration::from_secs(5)));
    let stream = world.client.stream(Direction::Bidirectional, &headers(GET)[..5], false);
    let begin = world.now();
    let reset = |world: &mut World| world.client.reset(stream).is_some();
    assert!(world.run(Duration::from_secs(20), |_| {}, reset));
    assert!(world.now() - begin >= Duration::from_secs(5));
    assert!(world.server.events.is_empty());
}

#[test]
fn a_body_that_trickles_is_ended() {
    let mut world = server(|limits| {
        limits.timeouts.body = Some(Duration::from_secs(5));
        limits.timeouts.body_bytes = 100;
    });
    let stream = world.client.stream(Direction::Bidirectional, &headers(POST), false);
    let reset = |world: &mut World| world.client.reset(stream).is_some();
    let mut last = world.now();
    let application = |world: &mut World| {
        for event in world.server.take_events() {
            if let Event::Data { stream, data, .. } = event {
                let (http, quic) = world.server.both();
                http.consumed(quic, stream, data.len());
            } else if let Event::Reset { reason, .. } = event {
                assert_eq!(reason, Reason::Timeout);
            }
        }
        if world.now() - last >= Duration::from_secs(1) {
            last = world.now();
            let _ = world.client.quic().write(stream, Bytes::from(frame(0, b"a")), false);
        }
    };
    assert!(world.run(Duration::from_secs(20), application, reset));
}

#[test]
fn who_does_not_read_is_given_up() {
    let mut world = server(|limits| limits.timeouts.stall = Some(Duration::from_secs(5)));
    let stream = world.client.stream(Direction::Bidirectional, &headers(GET), true);
    world.rest();
    world.server.take_events();
    let (http, quic) = world.server.both();
    let body = Bytes::from(vec![0; 16 << 20]);
    http.send_message(quic, StreamId(0), &ResponseHead::new(http::StatusCode::OK), body).unwrap();
    let reset = |world: &mut World| world.client.reset(stream).is_some();
    assert!(world.run(Duration::from_secs(25), |_| {}, reset));
    assert!(matches!(world.server.events.last(), Some(Event::Reset { reason: Reason::Timeout, .. })));
}

#[test]
fn the_rest_of_an_answered_request_is_not_waited_for_for_ever() {
    let mut world = server(|limits| limits.timeouts.body = Some(Duration::from_secs(5)));
    let stream = world.client.stream(Direction::Bidirectional, &headers(POST), false);
    world.rest();
    world.server.take_events();
    let (http, quic) = world.server.both();
    http.send_message(quic, StreamId(0), &ResponseHead::new(http::StatusCode::OK), Bytes::new()).unwrap();
    http.stop_receiving(quic, StreamId(0));
    assert!(!http.is_idle());
    let stopped = |world: &mut World| world.client.stopped(stream).is_some();
    assert!(world.run(Duration::from_secs(20), |_| {}, stopped));
    assert_eq!(world.client.stopped(stream).map(ErrorCode), Some(ErrorCode::H3_NO_ERROR));
    assert_eq!(world.client.reset(stream), None);
    assert!(world.server.events.is_empty() && world.server.both().0.is_idle());
}

#[test]
fn what_the_peer_does_not_take_is_not_sent() {
    let small = || Some(limits(|limits| limits.field_section = 1000));
    let mut world = Setup { client: small(), server: small(), ..Setup::default() }.connected();
    let mut large = Fields::new();
    large.push("x", "y".repeat(980)).unwrap();
    let (http, quic) = world.client.both();
    let mut head = request(Method::GET, "/");
    head.fields.push("x", "y".repeat(980)).unwrap();
    assert_eq!(http.send_request(quic, &head, true), Err(SendError::Head));
    let stream = http.send_request(quic, &request(Method::GET, "/"), false).unwrap();
    assert_eq!(http.send_trailers(quic, stream, &large), Err(SendError::Head));
    http.send_trailers(quic, stream, &Fields::new()).unwrap();
    world.rest();
    let (http, quic) = world.server.both();
    let mut head = ResponseHead::new(http::StatusCode::OK);
    head.fields = large;
    assert_eq!(http.send_message(quic, stream, &head, Bytes::new()), Err(SendError::Head));
    head.fields = Fields::new();
    http.send_message(quic, stream, &head, Bytes::new()).unwrap();
    world.rest();
    assert!(world.client.both().0.is_idle() && world.server.both().0.is_idle());
}
