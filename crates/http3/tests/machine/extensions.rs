//! What goes beyond HTTP: datagrams, and streams that an extension takes.

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{Event, Head, ResponseHead, SendError, StreamId};
use wirelace_http3::quic::{Direction, Event as QuicEvent};
use wirelace_http3::{ErrorCode, ExtensionEvent, Limits};

use crate::world::{GET, Setup, World, headers, request};

fn tunnel(world: &mut World) -> StreamId {
    let (http, quic) = world.client.both();
    let stream = http.send_request(quic, &request(Method::CONNECT, "example.com:443"), false).unwrap();
    world.rest();
    let (http, quic) = world.server.both();
    let head = Head::Response(ResponseHead::new(StatusCode::OK));
    http.send_head(quic, stream, &head, false).unwrap();
    world.rest();
    stream
}

#[test]
fn datagrams_go_both_ways() {
    let mut world = World::pair();
    let stream = tunnel(&mut world);
    let (http, quic) = world.client.both();
    assert!(http.max_datagram(quic, stream).unwrap() > 1000);
    http.send_datagram(quic, stream, b"there").unwrap();
    assert_eq!(http.send_datagram(quic, StreamId(400), b"x"), Err(SendError::Closed));
    assert_eq!(http.send_datagram(quic, stream, &[0; 5000]), Err(SendError::Head));
    let (http, quic) = world.server.both();
    http.send_datagram(quic, stream, b"and back").unwrap();
    world.rest();
    let datagram = |data: &'static [u8]| ExtensionEvent::Datagram { stream, data: Bytes::from_static(data) };
    assert_eq!(world.server.extension, [datagram(b"there")]);
    assert_eq!(world.client.extension, [datagram(b"and back")]);
}

#[test]
fn datagrams_are_not_sent_to_who_takes_none() {
    let mut limits = Limits::default();
    limits.datagrams = false;
    let mut world = Setup { server: Some(limits), ..Setup::default() }.connected();
    let stream = tunnel(&mut world);
    let (http, quic) = world.client.both();
    assert_eq!(http.max_datagram(quic, stream), None);
    assert_eq!(http.send_datagram(quic, stream, b"x"), Err(SendError::Head));
}

#[test]
fn datagrams_that_nobody_takes_are_dropped() {
    let mut limits = Limits::default();
    limits.datagram_buffer = 10_000;
    let mut world = Setup { client: None, server: Some(limits), ..Setup::default() }.connected();
    world.client.control(&[]);
    world.client.stream(Direction::Bidirectional, &headers(GET), false);
    world.rest();
    let quic = world.server.quic();
    let _ = quic;
    let (http, quic) = world.server.both();
    for number in 0..1000u16 {
        // Quarter stream id 0.
        let data = [&[0][..], &number.to_be_bytes()].concat();
        http.on_quic_event(quic, QuicEvent::Datagram(data.into()));
    }
    let left: Vec<_> = std::iter::from_fn(|| http.poll_extension()).collect();
    assert!(left.len() > 100 && left.len() * 66 <= 10_000, "{}", left.len());
    let last = Bytes::copy_from_slice(&999u16.to_be_bytes());
    assert_eq!(left.last(), Some(&ExtensionEvent::Datagram { stream: StreamId(0), data: last }));
}

/// Types as WebTransport has them.
const UNIDIRECTIONAL: u64 = 0x54;
const BIDIRECTIONAL: u64 = 0x41;

#[test]
fn an_extension_takes_streams_and_what_comes_on_them() {
    let mut world = Setup { client: None, ..Setup::default() }.world();
    let opened = |world: &mut World| world.server.http.is_some() && !world.client.quic().is_handshaking();
    world.server.http.as_mut().unwrap().take_streams(
        &[UNIDIRECTIONAL],
        &[BIDIRECTIONAL],
        &[(0x2b60_3742, 1)],
    );
    assert!(world.run(std::time::Duration::from_secs(5), |_| {}, opened));
    world.client.control(&[]);
    let one = world.client.stream(Direction::Unidirectional, &[0x40], false);
    let both = world.client.stream(Direction::Bidirectional, &[0x40], false);
    world.client.stream(Direction::Bidirectional, &headers(GET), true);
    world.rest();
    world.client.quic().write(one, Bytes::from_static(&[0x54, 0x00, b'a']), false).unwrap();
    world.client.quic().write(both, Bytes::from_static(&[0x41, 0x00, b'b']), false).unwrap();
    world.rest();
    let stream = |stream, kind, data: &'static [u8]| ExtensionEvent::Stream {
        stream,
        kind,
        data: Bytes::from_static(data),
        end: false,
    };
    let mut taken = std::mem::take(&mut world.server.extension);
    taken.sort_by_key(|event| matches!(event, ExtensionEvent::Stream { kind: BIDIRECTIONAL, .. }));
    assert_eq!(taken, [stream(one, UNIDIRECTIONAL, b"\0a"), stream(both, BIDIRECTIONAL, b"\0b")]);
    // An ordinary request beside them is one.
    assert!(matches!(&world.server.take_events()[..], [Event::Head { stream: StreamId(4), .. }]));

    world.server.quic_events.clear();
    world.client.quic().write(both, Bytes::from_static(b"more"), true).unwrap();
    world.client.quic().reset(one, 7);
    world.rest();
    assert!(
        world
            .server
            .quic_events
            .iter()
            .any(|event| matches!(event, QuicEvent::Readable { stream } if *stream == both))
    );
    assert!(
        world
            .server
            .quic_events
            .iter()
            .any(|event| matches!(event, QuicEvent::Reset { stream, code: 7 } if *stream == one))
    );
    assert_eq!(world.server.read(both), b"more");
    assert!(world.server.error.is_none());
}

#[test]
fn a_client_with_an_extension_still_takes_nothing_else() {
    let mut world = Setup { server: None, ..Setup::default() }.world();
    world.client.http.as_mut().unwrap().take_streams(&[], &[BIDIRECTIONAL], &[]);
    let opened = |world: &mut World| !world.client.quic().is_handshaking();
    assert!(world.run(std::time::Duration::from_secs(5), |_| {}, opened));
    world.rest();
    world.server.control(&[]);
    world.server.stream(Direction::Bidirectional, &[0x40, 0x41, b'x'], false);
    world.rest();
    assert_eq!(world.client.extension.len(), 1);
    world.server.stream(Direction::Bidirectional, &headers(GET), false);
    world.rest();
    assert_eq!(world.server.closed().map(ErrorCode), Some(ErrorCode::H3_STREAM_CREATION_ERROR));
}

#[test]
fn settings_of_extensions_go_along() {
    let mut world = Setup::default().world();
    world.client.http.as_mut().unwrap().take_streams(&[], &[], &[(0x2b60_3742, 1)]);
    world.rest();
    let peer = world.server.both().0.peer_settings().unwrap();
    assert_eq!(peer.other(0x2b60_3742), Some(1));
    // And one that nobody knows (RFC 9114 §7.2.4.1).
    assert!(peer.other.iter().any(|(id, _)| id % 0x1f == 0x21 % 0x1f));
}
