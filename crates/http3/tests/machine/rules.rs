//! What a peer must not do, as h3spec asks it (its rows 35 to 50), and more of the kind.

use bytes::Bytes;
use wirelace_http3::quic::{Direction, StreamId as QuicStream};
use wirelace_http3::{Error, ErrorCode, Malformed};

use crate::world::{GET, POST, Setup, World, frame, headers, section};

fn server() -> World {
    Setup { client: None, ..Setup::default() }.connected()
}

fn client() -> World {
    Setup { server: None, ..Setup::default() }.connected()
}

/// The server closes the connection with that code.
fn refuses(mut world: World, code: ErrorCode) -> World {
    world.rest();
    assert_eq!(world.client.closed().map(ErrorCode), Some(code), "{:?}", world.server.error);
    assert_eq!(world.server.error.as_ref().unwrap().code(), code);
    world
}

fn on_request(octets: &[u8], code: ErrorCode) {
    let mut world = server();
    world.client.control(&[]);
    world.client.stream(Direction::Bidirectional, octets, false);
    refuses(world, code);
}

fn on_control(octets: &[u8], code: ErrorCode) {
    let mut world = server();
    world.client.stream(Direction::Unidirectional, octets, false);
    refuses(world, code);
}

fn after_settings(octets: &[u8], code: ErrorCode) {
    on_control(&[&[0x00, 0x04, 0x00], octets].concat(), code);
}

/// The request is malformed: its stream ends, the connection goes on.
fn malformed(fields: &[(&str, &str)], rule: Malformed) {
    let mut world = server();
    world.client.control(&[]);
    let stream = world.client.stream(Direction::Bidirectional, &headers(fields), false);
    world.rest();
    assert_eq!(world.client.closed(), None, "{:?}", world.server.error);
    assert_eq!(world.client.reset(stream).map(ErrorCode), Some(ErrorCode::H3_MESSAGE_ERROR));
    assert_eq!(world.client.stopped(stream).map(ErrorCode), Some(ErrorCode::H3_MESSAGE_ERROR));
    let (http, _) = world.server.both();
    assert_eq!(http.last_malformed().unwrap().1, rule);
    assert!(http.is_idle() && world.server.events.is_empty());
}

#[test]
fn row_35_data_before_headers() {
    on_request(&frame(0, b"abc"), ErrorCode::H3_FRAME_UNEXPECTED);
}

#[test]
fn rows_36_and_37_messages_on_the_control_stream() {
    after_settings(&frame(0, b""), ErrorCode::H3_FRAME_UNEXPECTED);
    after_settings(&headers(GET), ErrorCode::H3_FRAME_UNEXPECTED);
}

#[test]
fn row_38_settings_twice() {
    after_settings(&frame(4, b""), ErrorCode::H3_FRAME_UNEXPECTED);
}

#[test]
fn row_39_what_belongs_on_the_control_stream_on_a_request() {
    for kind in [0x03, 0x04, 0x07, 0x0d, 0xf0700, 0xf0701] {
        on_request(&frame(kind, &[0]), ErrorCode::H3_FRAME_UNEXPECTED);
        on_request(&[headers(POST), frame(kind, &[0])].concat(), ErrorCode::H3_FRAME_UNEXPECTED);
    }
}

#[test]
fn rows_40_to_43_pseudo_header_fields() {
    let with = |more: &[(&'static str, &'static str)]| [GET, more].concat();
    malformed(&with(&[(":method", "GET")]), Malformed::PseudoRepeated);
    malformed(&GET[1..], Malformed::PseudoMissing);
    malformed(&GET[..3], Malformed::PseudoMissing);
    malformed(&with(&[(":status", "200")]), Malformed::PseudoUnknown);
    malformed(&with(&[(":foo", "bar")]), Malformed::PseudoUnknown);
    malformed(&[&[("x", "y")], GET].concat(), Malformed::PseudoLate);
}

#[test]
fn row_44_no_settings() {
    on_control(&[0x00, 0x07, 0x01, 0x00], ErrorCode::H3_MISSING_SETTINGS);
    on_control(&[0x00, 0x21, 0x00], ErrorCode::H3_MISSING_SETTINGS);
    on_control(&[0x00, 0x00, 0x00], ErrorCode::H3_MISSING_SETTINGS);
}

#[test]
fn rows_45_and_46_settings_that_must_not_be() {
    on_control(&[0x00, 0x04, 0x04, 0x06, 0x05, 0x06, 0x05], ErrorCode::H3_SETTINGS_ERROR);
    for id in [0x02, 0x03, 0x04, 0x05] {
        on_control(&[0x00, 0x04, 0x02, id, 0x01], ErrorCode::H3_SETTINGS_ERROR);
    }
    // Cut in the middle of a value.
    on_control(&[0x00, 0x04, 0x02, 0x06, 0x40], ErrorCode::H3_FRAME_ERROR);
}

#[test]
fn row_47_critical_streams_do_not_end() {
    for kind in [0x00, 0x02, 0x03] {
        let mut world = server();
        let settings: &[u8] = if kind == 0 { &[0x00, 0x04, 0x00] } else { &[kind] };
        let stream = world.client.stream(Direction::Unidirectional, settings, false);
        world.rest();
        world.client.quic().write(stream, Bytes::new(), true).unwrap();
        refuses(world, ErrorCode::H3_CLOSED_CRITICAL_STREAM);

        let mut world = server();
        let stream = world.client.stream(Direction::Unidirectional, settings, false);
        world.rest();
        world.client.quic().reset(stream, 0x100);
        refuses(world, ErrorCode::H3_CLOSED_CRITICAL_STREAM);
    }
    // Nor may the peer refuse ours.
    let mut world = server();
    world.client.quic().stop(QuicStream(3), 0x100);
    refuses(world, ErrorCode::H3_CLOSED_CRITICAL_STREAM);
}

#[test]
fn row_48_a_section_that_cannot_be_decoded() {
    on_request(&frame(1, &[0x00, 0x00, 0xff, 0x24]), ErrorCode::QPACK_DECOMPRESSION_FAILED);
    on_request(&frame(1, &[0x00]), ErrorCode::QPACK_DECOMPRESSION_FAILED);
    on_request(&frame(1, &[]), ErrorCode::QPACK_DECOMPRESSION_FAILED);
}

#[test]
fn row_49_a_table_that_was_not_offered() {
    // Set Dynamic Table Capacity 4097, and Duplicate in an empty table.
    on_control(&[0x02, 0x3f, 0xe2, 0x1f], ErrorCode::QPACK_ENCODER_STREAM_ERROR);
    on_control(&[0x02, 0x00], ErrorCode::QPACK_ENCODER_STREAM_ERROR);
}

#[test]
fn row_50_an_increment_of_nothing() {
    on_control(&[0x03, 0x00], ErrorCode::QPACK_DECODER_STREAM_ERROR);
    on_control(&[0x03, 0x01], ErrorCode::QPACK_DECODER_STREAM_ERROR);
    // An acknowledgement that nothing waits for.
    on_control(&[0x03, 0x80], ErrorCode::QPACK_DECODER_STREAM_ERROR);
}

#[test]
fn one_stream_of_each_critical_kind() {
    for kind in [0x00, 0x02, 0x03] {
        let mut world = server();
        world.client.stream(Direction::Unidirectional, &[kind], false);
        world.client.stream(Direction::Unidirectional, &[kind], false);
        refuses(world, ErrorCode::H3_STREAM_CREATION_ERROR);
    }
    // A client pushes nothing.
    on_control(&[0x01, 0x00], ErrorCode::H3_STREAM_CREATION_ERROR);
}

#[test]
fn frames_of_http2_are_refused_everywhere() {
    for kind in [0x02, 0x06, 0x08, 0x09] {
        on_request(&[headers(POST), frame(kind, b"")].concat(), ErrorCode::H3_FRAME_UNEXPECTED);
        after_settings(&frame(kind, b""), ErrorCode::H3_FRAME_UNEXPECTED);
    }
}

#[test]
fn frames_fill_their_length() {
    // An id of two bytes in a frame of one or three.
    after_settings(&[0x07, 0x01, 0x40], ErrorCode::H3_FRAME_ERROR);
    after_settings(&[0x0d, 0x03, 0x40, 0x01, 0x00], ErrorCode::H3_FRAME_ERROR);
    after_settings(&[0x03, 0x00], ErrorCode::H3_FRAME_ERROR);
}

#[test]
fn streams_end_between_frames() {
    for octets in [
        [headers(POST), vec![0x00]].concat(),
        [headers(POST), vec![0x00, 0x05, 0x61]].concat(),
        vec![0x01],
        vec![0x01, 0x40],
        frame(1, &section(GET))[..9].to_vec(),
        [headers(POST), vec![0x21, 0x02, 0x00]].concat(),
    ] {
        let mut world = server();
        world.client.control(&[]);
        world.client.stream(Direction::Bidirectional, &octets, true);
        refuses(world, ErrorCode::H3_FRAME_ERROR);
    }
}

#[test]
fn nothing_follows_the_trailers() {
    let trailers = headers(&[("x", "y")]);
    let body = [headers(POST), frame(0, b"a"), trailers.clone()].concat();
    on_request(&[body.clone(), frame(0, b"b")].concat(), ErrorCode::H3_FRAME_UNEXPECTED);
    on_request(&[body, trailers].concat(), ErrorCode::H3_FRAME_UNEXPECTED);
    // A client promises nothing.
    on_request(&frame(5, &[&[0][..], &section(GET)].concat()), ErrorCode::H3_FRAME_UNEXPECTED);
}

#[test]
fn ids_are_what_they_can_be() {
    // A priority of a stream that no request has, of a push that was not promised.
    after_settings(&frame(0xf0700, &[0x01]), ErrorCode::H3_ID_ERROR);
    after_settings(&frame(0xf0701, &[0x00]), ErrorCode::H3_ID_ERROR);
    after_settings(&frame(0xf0700, &[]), ErrorCode::H3_FRAME_ERROR);
    // A push that was not promised; MAX_PUSH_ID that shrinks; GOAWAY that grows.
    after_settings(&frame(0x03, &[0x00]), ErrorCode::H3_ID_ERROR);
    after_settings(&[frame(0x0d, &[0x05]), frame(0x0d, &[0x04])].concat(), ErrorCode::H3_ID_ERROR);
    after_settings(&[frame(0x07, &[0x05]), frame(0x07, &[0x06])].concat(), ErrorCode::H3_ID_ERROR);
}

#[test]
fn what_http1_is_made_of_does_not_get_in() {
    let with = |name: &'static str, value: &'static str| [GET, &[(name, value)]].concat();
    malformed(&with("connection", "close"), Malformed::ConnectionSpecific);
    malformed(&with("transfer-encoding", "chunked"), Malformed::ConnectionSpecific);
    malformed(&with("te", "gzip"), Malformed::Te);
    malformed(&with("x-Upper", "1"), Malformed::Name);
    malformed(&with("x", "a\r\nb"), Malformed::Value);
    malformed(&with("x", "a\0"), Malformed::Value);
    malformed(&with("host", "other.example"), Malformed::Authority);
    malformed(&with(":protocol", "websocket"), Malformed::Protocol);
    malformed(&with("content-length", "1, 2"), Malformed::ContentLength);
}

#[test]
fn a_body_has_its_length() {
    for (length, body, end) in [("3", &b"ab"[..], true), ("3", b"abcd", false), ("1", b"", true)] {
        let mut world = server();
        world.client.control(&[]);
        let mut octets = headers(&[POST, &[("content-length", length)]].concat());
        if !body.is_empty() {
            octets.extend(frame(0, body));
        }
        let stream = world.client.stream(Direction::Bidirectional, &octets, end);
        world.rest();
        assert_eq!(world.client.reset(stream).map(ErrorCode), Some(ErrorCode::H3_MESSAGE_ERROR), "{length}");
        assert_eq!(world.server.both().0.last_malformed().unwrap().1, Malformed::BodyLength);
        // Whoever has ended a stream is not asked to stop.
        assert_eq!(world.client.stopped(stream).is_some(), !end);
    }
}

#[test]
fn a_request_without_a_head_is_incomplete() {
    let mut world = server();
    world.client.control(&[]);
    let stream = world.client.stream(Direction::Bidirectional, &frame(0x21, b"abc"), true);
    world.rest();
    assert_eq!(world.client.reset(stream).map(ErrorCode), Some(ErrorCode::H3_REQUEST_INCOMPLETE));
    assert_eq!(world.client.closed(), None);
}

/// The client closes the connection with that code.
fn client_refuses(mut world: World, code: ErrorCode) {
    world.rest();
    assert_eq!(world.server.closed().map(ErrorCode), Some(code), "{:?}", world.client.error);
}

#[test]
fn a_server_opens_no_bidirectional_streams() {
    let mut world = client();
    world.server.control(&[]);
    world.server.stream(Direction::Bidirectional, b"a", false);
    client_refuses(world, ErrorCode::H3_STREAM_CREATION_ERROR);
}

#[test]
fn a_server_does_not_say_what_clients_say() {
    for octets in [frame(0x0d, &[0]), frame(0xf0700, &[0]), frame(0xf0701, &[0])] {
        let mut world = client();
        world.server.control(&octets);
        client_refuses(world, ErrorCode::H3_FRAME_UNEXPECTED);
    }
    // GOAWAY names a request (RFC 9114 §7.2.6), and pushes need MAX_PUSH_ID.
    for octets in [frame(0x07, &[0x01]), frame(0x03, &[0x00])] {
        let mut world = client();
        world.server.control(&octets);
        client_refuses(world, ErrorCode::H3_ID_ERROR);
    }
    let mut world = client();
    world.server.control(&[]);
    world.server.stream(Direction::Unidirectional, &[0x01, 0x00], false);
    client_refuses(world, ErrorCode::H3_ID_ERROR);
}

#[test]
fn unknown_frames_settings_and_streams_are_ignored() {
    let mut world = server();
    let mut octets = vec![0x00];
    octets.extend(frame(4, &[0x21, 0x00, 0x40, 0x5f, 0x01]));
    octets.extend(frame(0x21, b"what"));
    world.client.stream(Direction::Unidirectional, &octets, false);
    world.client.stream(Direction::Unidirectional, &[0x21, 1, 2, 3], true);
    let open = world.client.stream(Direction::Unidirectional, &[0x40, 0x40, 1, 2], false);
    let octets = [frame(0x21, b""), headers(GET), frame(0x40, b"abc")].concat();
    world.client.stream(Direction::Bidirectional, &octets, true);
    world.rest();
    assert_eq!(world.client.closed(), None);
    assert_eq!(world.client.stopped(open).map(ErrorCode), Some(ErrorCode::H3_STREAM_CREATION_ERROR));
    assert_eq!(world.server.events.len(), 2, "{:?}", world.server.events);
    assert!(world.server.both().0.stats().discarded >= 12);
}

#[test]
fn datagrams_name_a_stream() {
    for octets in [&[][..], &[0x40], &[0xff; 8]] {
        let mut world = server();
        world.client.control(&[]);
        world.rest();
        world.client.quic().send_datagram(Bytes::copy_from_slice(octets)).unwrap();
        refuses(world, ErrorCode::H3_DATAGRAM_ERROR);
    }
}

#[test]
fn a_violation_says_what_was_wrong() {
    let mut world = server();
    world.client.control(&[]);
    world.client.stream(Direction::Bidirectional, &frame(0, b"abc"), false);
    let world = refuses(world, ErrorCode::H3_FRAME_UNEXPECTED);
    let error = world.server.error.unwrap();
    assert!(matches!(error, Error::FrameUnexpected { stream: 0, .. }));
    assert_eq!(error.to_string(), "DATA on stream 0, where it must not be (RFC 9114 §4.1, §7.2)");
}
