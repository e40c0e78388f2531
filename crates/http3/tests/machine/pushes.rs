//! Server push (RFC 9114 §4.6).

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{Event, Head, Reason, ResponseHead, SendError, StreamId};
use wirelace_http3::quic::Direction;
use wirelace_http3::{ErrorCode, Limits};

use crate::world::{GET, Setup, World, frame, headers, request, section};

/// The first pushed exchange.
const FIRST: StreamId = StreamId(1 << 62);

fn limits(pushes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.pushes = pushes;
    limits
}

fn pair(pushes: u64) -> (World, StreamId) {
    let mut world = Setup { client: Some(limits(pushes)), ..Setup::default() }.connected();
    let (http, quic) = world.client.both();
    let stream = http.send_request(quic, &request(Method::GET, "/"), true).unwrap();
    world.rest();
    world.server.take_events();
    (world, stream)
}

fn ok() -> ResponseHead {
    ResponseHead::new(StatusCode::OK)
}

#[test]
fn a_push_is_promised_and_answered() {
    let (mut world, stream) = pair(2);
    let (http, quic) = world.server.both();
    assert!(http.may_push());
    let pushed = http.push(quic, stream, &request(Method::GET, "/style.css")).unwrap();
    assert_eq!(pushed, FIRST);
    http.send_message(quic, pushed, &ok(), Bytes::from_static(b"body{}")).unwrap();
    http.send_message(quic, stream, &ok(), Bytes::new()).unwrap();
    assert!(http.is_idle());
    world.rest();
    let events = world.client.take_events();
    let promise = events.iter().position(|event| match event {
        Event::Promise { stream: parent, promised: FIRST, head: Head::Request(head) } => {
            assert_eq!((*parent, head.path()), (stream, "/style.css"));
            true
        }
        _ => false,
    });
    let answer = events.iter().position(|event| matches!(event, Event::Head { stream: FIRST, .. }));
    assert!(promise.unwrap() < answer.unwrap(), "{events:?}");
    assert!(events.iter().any(|event| {
        matches!(event, Event::Data { stream: FIRST, data, end: true } if &data[..] == b"body{}")
    }));
    let (http, quic) = world.client.both();
    http.consumed(quic, FIRST, 6);
    assert!(http.is_idle());
}

#[test]
fn there_are_no_more_pushes_than_the_client_allows() {
    let (mut world, stream) = pair(0);
    let (http, quic) = world.server.both();
    assert_eq!(http.push(quic, stream, &request(Method::GET, "/")), Err(SendError::Closed));

    let (mut world, stream) = pair(2);
    let (http, quic) = world.server.both();
    assert_eq!(http.push(quic, stream, &request(Method::POST, "/")), Err(SendError::Head));
    for _ in 0..2 {
        let pushed = http.push(quic, stream, &request(Method::HEAD, "/")).unwrap();
        http.send_message(quic, pushed, &ok(), Bytes::new()).unwrap();
    }
    assert_eq!(http.push(quic, stream, &request(Method::GET, "/")), Err(SendError::Closed));
    // Those that are over make room.
    world.rest();
    let (http, quic) = world.server.both();
    assert_eq!(http.push(quic, stream, &request(Method::GET, "/")), Ok(StreamId(FIRST.0 + 2)));
}

#[test]
fn a_push_is_cancelled_by_either_side() {
    let (mut world, stream) = pair(4);
    let (http, quic) = world.server.both();
    let pushed = http.push(quic, stream, &request(Method::GET, "/")).unwrap();
    world.rest();
    let (http, quic) = world.client.both();
    http.cancel_push(quic, pushed);
    world.rest();
    let events = world.server.take_events();
    assert!(matches!(&events[..], [Event::Reset { stream: FIRST, reason: Reason::Cancel }]), "{events:?}");
    world.client.take_events();

    let (http, quic) = world.server.both();
    let pushed = http.push(quic, stream, &request(Method::GET, "/")).unwrap();
    world.rest();
    let (http, quic) = world.server.both();
    http.reset(quic, pushed, Reason::Internal);
    world.rest();
    let events = world.client.take_events();
    assert!(
        matches!(&events[..], [Event::Promise { .. }, Event::Reset { reason: Reason::Internal, .. }]),
        "{events:?}"
    );
}

/// A client that has asked, and allows two pushes; the server is the test's.
fn client() -> World {
    let mut world = Setup { client: Some(limits(2)), server: None, ..Setup::default() }.connected();
    let (http, quic) = world.client.both();
    http.send_request(quic, &request(Method::GET, "/"), true).unwrap();
    world.server.control(&[]);
    world.rest();
    world
}

fn promise(id: u8, path: &str) -> Vec<u8> {
    let fields = [&GET[..3], &[(":path", path)]].concat();
    frame(5, &[&[id][..], &section(&fields)].concat())
}

const REQUEST: wirelace_http3::quic::StreamId = wirelace_http3::quic::StreamId(0);

fn write(world: &mut World, octets: Vec<u8>) {
    world.server.quic().write(REQUEST, octets.into(), false).unwrap();
    world.rest();
}

#[test]
fn a_stream_may_come_before_its_promise_in_pieces() {
    let mut world = client();
    let octets = [&[0x01, 0x00][..], &headers(&[(":status", "200")]), &frame(0, b"abc")].concat();
    let stream = world.server.stream(Direction::Unidirectional, &octets[..1], false);
    world.rest();
    world.server.quic().write(stream, Bytes::copy_from_slice(&octets[1..]), true).unwrap();
    world.rest();
    assert!(world.client.events.is_empty());
    write(&mut world, promise(0, "/a"));
    let events = world.client.take_events();
    assert!(
        matches!(
            &events[..],
            [Event::Promise { .. }, Event::Head { stream: FIRST, .. }, Event::Data { end: true, .. }]
        ),
        "{events:?}"
    );
    // The same promise again changes nothing, another one does.
    write(&mut world, promise(0, "/a"));
    assert!(world.client.events.is_empty() && world.server.closed().is_none());
    write(&mut world, promise(0, "/b"));
    assert_eq!(world.server.closed().map(ErrorCode), Some(ErrorCode::H3_GENERAL_PROTOCOL_ERROR));
}

#[test]
fn ids_of_pushes_are_allowed_and_used_once() {
    let mut world = client();
    write(&mut world, promise(2, "/"));
    assert_eq!(world.server.closed().map(ErrorCode), Some(ErrorCode::H3_ID_ERROR));
    let mut world = client();
    world.server.stream(Direction::Unidirectional, &[0x01, 0x02], false);
    world.rest();
    assert_eq!(world.server.closed().map(ErrorCode), Some(ErrorCode::H3_ID_ERROR));
    for promised in [false, true] {
        let mut world = client();
        if promised {
            write(&mut world, promise(0, "/"));
        }
        world.server.stream(Direction::Unidirectional, &[0x01, 0x00], false);
        world.server.stream(Direction::Unidirectional, &[0x01, 0x00], false);
        world.rest();
        assert_eq!(world.server.closed().map(ErrorCode), Some(ErrorCode::H3_ID_ERROR));
    }
    // On a pushed stream there are no promises.
    let mut world = client();
    write(&mut world, promise(0, "/"));
    world.server.stream(Direction::Unidirectional, &[&[0x01, 0x00][..], &promise(1, "/")].concat(), false);
    world.rest();
    assert_eq!(world.server.closed().map(ErrorCode), Some(ErrorCode::H3_FRAME_UNEXPECTED));
}

#[test]
fn what_may_not_be_promised_is_cancelled() {
    let mut world = client();
    let post = [&[(":method", "POST")][..], &GET[1..]].concat();
    write(&mut world, frame(5, &[&[0][..], &section(&post)].concat()));
    assert!(world.client.events.is_empty() && world.server.closed().is_none());
    let control = wirelace_http3::quic::StreamId(2);
    let said = world.server.read(control);
    assert!(said.windows(3).any(|octets| octets == [0x03, 0x01, 0x00]), "CANCEL_PUSH: {said:02x?}");
    let stream = world.server.stream(Direction::Unidirectional, &[0x01, 0x00], false);
    world.rest();
    assert_eq!(world.server.stopped(stream).map(ErrorCode), Some(ErrorCode::H3_REQUEST_CANCELLED));
}

#[test]
fn a_cancelled_promise_that_comes_late_is_ignored() {
    let mut world = Setup { client: Some(limits(2)), server: None, ..Setup::default() }.connected();
    let (http, quic) = world.client.both();
    http.send_request(quic, &request(Method::GET, "/"), true).unwrap();
    world.server.control(&frame(3, &[0]));
    world.run(Duration::from_secs(1), |_| {}, |_| false);
    write(&mut world, promise(0, "/"));
    assert!(world.client.events.is_empty() && world.server.closed().is_none());
}

#[test]
fn a_pushed_stream_that_is_reset_before_its_promise_is_over() {
    let mut world = client();
    let octets = [&[0x01, 0x00][..], &headers(&[(":status", "200")])].concat();
    let stream = world.server.stream(Direction::Unidirectional, &octets, false);
    world.rest();
    world.server.quic().reset(stream, ErrorCode::H3_INTERNAL_ERROR.0);
    world.rest();
    write(&mut world, promise(0, "/a"));
    assert!(world.client.events.is_empty() && world.server.closed().is_none());
    let (http, quic) = world.client.both();
    http.reset(quic, StreamId(0), Reason::Cancel);
    assert!(http.is_idle());
}

#[test]
fn a_pushed_stream_whose_promise_does_not_come_is_stopped() {
    let mut world = client();
    let stream = world.server.stream(Direction::Unidirectional, &[0x01, 0x00, 0x01], false);
    let stopped = |world: &mut World| world.server.stopped(stream).is_some();
    assert!(world.run(Duration::from_secs(10), |_| {}, stopped));
    assert_eq!(world.server.stopped(stream).map(ErrorCode), Some(ErrorCode::H3_REQUEST_CANCELLED));
    assert!(world.server.closed().is_none());
}
