//! Requests and responses between two machines.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, Priority, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http3::quic::{CloseReason, Event as QuicEvent, Limits as QuicLimits};
use wirelace_http3::{ErrorCode, Limits};

use crate::world::{Setup, Side, World, request};

const MINUTE: Duration = Duration::from_secs(60);

fn ask(world: &mut World, head: &RequestHead, end: bool) -> StreamId {
    let (http, quic) = world.client.both();
    http.send_request(quic, head, end).unwrap()
}

fn response(status: u16) -> ResponseHead {
    ResponseHead::new(StatusCode::from_u16(status).unwrap())
}

/// The only event, as its debug output.
fn only(side: &mut Side) -> Event {
    let mut events = side.take_events();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn answer(world: &mut World, stream: StreamId, head: &ResponseHead, body: &'static [u8]) {
    let (http, quic) = world.server.both();
    http.send_message(quic, stream, head, Bytes::from_static(body)).unwrap();
}

#[test]
fn a_request_and_its_answer() {
    let mut world = World::pair();
    let mut head = request(Method::GET, "/a?b");
    head.fields.push("x-some", "thing").unwrap();
    let stream = ask(&mut world, &head, true);
    assert_eq!(stream, StreamId(0));
    world.rest();
    match only(&mut world.server) {
        Event::Head { stream: StreamId(0), head: Head::Request(head), end: true } => {
            assert_eq!((head.path(), head.query()), ("/a", Some("b")));
            assert_eq!(head.version, http::Version::HTTP_3);
            assert_eq!(head.fields.get(FieldId::HOST), Some(&b"example.com"[..]));
            assert_eq!(head.fields.get("x-some"), Some(&b"thing"[..]));
        }
        event => panic!("{event:?}"),
    }
    answer(&mut world, stream, &response(200), b"hello");
    world.rest();
    match &world.client.take_events()[..] {
        [Event::Head { head: Head::Response(head), end: false, .. }, Event::Data { data, end: true, .. }] => {
            assert_eq!(head.fields.get(FieldId::CONTENT_LENGTH), Some(&b"5"[..]));
            assert_eq!(&data[..], b"hello");
        }
        events => panic!("{events:?}"),
    }
    let (http, quic) = world.client.both();
    assert!(!http.is_idle());
    http.consumed(quic, stream, 5);
    assert!(http.is_idle());
    assert!(world.server.both().0.is_idle());
    assert_eq!(world.server.both().0.stats().exchanges, 1);
}

#[test]
fn interim_responses_bodies_and_trailers() {
    let mut world = World::pair();
    let mut head = request(Method::POST, "/");
    head.fields.push(FieldId::EXPECT, "100-continue").unwrap();
    let stream = ask(&mut world, &head, false);
    world.rest();
    assert!(matches!(only(&mut world.server), Event::Head { end: false, .. }));
    let (http, quic) = world.server.both();
    assert!(http.expects_continue(stream));
    for status in [100, 103] {
        http.send_head(quic, stream, &Head::Response(response(status)), false).unwrap();
    }
    assert!(!http.expects_continue(stream));
    world.rest();
    let events = world.client.take_events();
    let [Event::Informational { head, .. }, Event::Informational { .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(head.status, StatusCode::CONTINUE);

    let (http, quic) = world.client.both();
    let mut trailers = Fields::new();
    trailers.push("x-sum", "7").unwrap();
    http.send_data(quic, stream, Bytes::from_static(b"abc"), false).unwrap();
    http.send_data(quic, stream, Bytes::new(), false).unwrap();
    http.send_trailers(quic, stream, &trailers).unwrap();
    assert_eq!(http.send_data(quic, stream, Bytes::new(), true), Err(SendError::Closed));
    world.rest();
    let events = world.server.take_events();
    let [Event::Data { data, end: false, .. }, Event::Trailers { fields, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((&data[..], fields.get("x-sum")), (&b"abc"[..], Some(&b"7"[..])));

    let (http, quic) = world.server.both();
    http.consumed(quic, stream, 3);
    http.send_head(quic, stream, &Head::Response(response(200)), false).unwrap();
    assert_eq!(http.send_head(quic, stream, &Head::Response(response(200)), false), Err(SendError::Order));
    http.send_trailers(quic, stream, &trailers).unwrap();
    world.rest();
    let events = world.client.take_events();
    assert!(matches!(&events[..], [Event::Head { end: false, .. }, Event::Trailers { .. }]), "{events:?}");
    assert!(world.client.both().0.is_idle() && world.server.both().0.is_idle());
}

#[test]
fn messages_without_a_body() {
    let mut world = World::pair();
    for (method, status, length) in
        [(Method::HEAD, 200, Some("5")), (Method::GET, 204, None), (Method::GET, 304, None)]
    {
        let stream = ask(&mut world, &request(method, "/"), true);
        world.rest();
        world.server.take_events();
        answer(&mut world, stream, &response(status), b"hello");
        world.rest();
        match only(&mut world.client) {
            Event::Head { head: Head::Response(head), end: true, .. } => {
                assert_eq!(head.fields.get_str(FieldId::CONTENT_LENGTH), length);
            }
            event => panic!("{event:?}"),
        }
        assert!(world.client.both().0.is_idle() && world.server.both().0.is_idle());
    }
    // Data that have no place are dropped.
    let stream = ask(&mut world, &request(Method::HEAD, "/"), true);
    world.rest();
    let (http, quic) = world.server.both();
    http.send_head(quic, stream, &Head::Response(response(200)), false).unwrap();
    http.send_data(quic, stream, Bytes::from_static(b"abc"), true).unwrap();
    assert!(http.is_idle());
    world.rest();
    assert!(matches!(only(&mut world.client), Event::Head { end: true, .. }));
}

#[test]
fn a_body_has_the_length_that_was_announced() {
    let mut world = World::pair();
    let mut head = request(Method::POST, "/");
    head.fields.push(FieldId::CONTENT_LENGTH, "3").unwrap();
    let stream = ask(&mut world, &head, false);
    let (http, quic) = world.client.both();
    let long = http.send_data(quic, stream, Bytes::from_static(b"abcd"), false);
    assert_eq!(long, Err(SendError::BodyLength));
    let short = http.send_data(quic, stream, Bytes::from_static(b"ab"), true);
    assert_eq!(short, Err(SendError::BodyLength));
    http.send_data(quic, stream, Bytes::from_static(b"abc"), true).unwrap();
    world.rest();
    let (http, quic) = world.server.both();
    let mut head = response(200);
    head.fields.push(FieldId::CONTENT_LENGTH, "9").unwrap();
    assert_eq!(http.send_message(quic, stream, &head, Bytes::new()), Err(SendError::BodyLength));
    answer(&mut world, stream, &response(200), b"");
}

#[test]
fn resets_of_both_sides_have_their_reasons() {
    for (reason, code, told) in [
        (Reason::Cancel, ErrorCode::H3_REQUEST_CANCELLED, Reason::Cancel),
        (Reason::Refused, ErrorCode::H3_REQUEST_REJECTED, Reason::Refused),
        (Reason::Internal, ErrorCode::H3_INTERNAL_ERROR, Reason::Internal),
        (Reason::Limit, ErrorCode::H3_EXCESSIVE_LOAD, Reason::Limit),
        (Reason::Code(0x1234), ErrorCode(0x1234), Reason::Code(0x1234)),
    ] {
        let mut world = World::pair();
        let stream = ask(&mut world, &request(Method::POST, "/"), false);
        world.rest();
        world.server.take_events();
        let (http, quic) = world.server.both();
        http.reset(quic, stream, reason);
        assert!(http.is_idle());
        world.rest();
        let reset = world.client.take_events().into_iter().find_map(|event| match event {
            Event::Reset { reason, .. } => Some(reason),
            _ => None,
        });
        assert_eq!(reset, Some(told), "{code}");
        assert!(world.client.both().0.is_idle());
    }
    let mut world = World::pair();
    let stream = ask(&mut world, &request(Method::POST, "/"), false);
    world.rest();
    world.server.take_events();
    let (http, quic) = world.client.both();
    http.reset(quic, stream, Reason::Refused);
    world.rest();
    // A client rejects nothing (RFC 9114 §4.1.1).
    assert!(matches!(only(&mut world.server), Event::Reset { reason: Reason::Cancel, .. }));
    let (http, quic) = world.server.both();
    assert_eq!(http.send_message(quic, stream, &response(200), Bytes::new()), Err(SendError::Closed));
}

#[test]
fn an_early_answer_stops_a_large_body_without_an_error() {
    let mut world = World::pair();
    let stream = ask(&mut world, &request(Method::POST, "/"), false);
    world.rest();
    world.server.take_events();
    answer(&mut world, stream, &response(413), b"too large");
    let (http, quic) = world.server.both();
    http.stop_receiving(quic, stream);
    let body = Bytes::from(vec![0; 10_000]);
    let mut sent = 0u32;
    let application = |world: &mut World| {
        let (http, quic) = world.client.both();
        while sent < 1000 && http.capacity(quic, stream) > 0 {
            sent += 1;
            http.send_data(quic, stream, body.clone(), sent == 1000).unwrap();
        }
    };
    world.run(MINUTE, application, |_| false);
    assert_eq!(sent, 1000);
    let events = world.client.take_events();
    let complete = events
        .iter()
        .any(|event| matches!(event, Event::Data { data, end: true, .. } if &data[..] == b"too large"));
    assert!(complete && !events.iter().any(|event| matches!(event, Event::Reset { .. })), "{events:?}");
    let taken = world.server.both().0.stats().body_received;
    assert_eq!(taken, 0, "nothing was handed out");
    assert!(world.server.both().0.is_idle());
}

#[test]
fn who_has_sent_all_is_not_asked_to_stop() {
    let mut world = World::pair();
    let stream = ask(&mut world, &request(Method::POST, "/"), false);
    let (http, quic) = world.client.both();
    http.send_data(quic, stream, Bytes::from(vec![1; 50_000]), true).unwrap();
    // The answer is there before the end of the request is.
    let answered =
        |world: &mut World| world.server.events.iter().any(|event| matches!(event, Event::Head { .. }));
    assert!(world.run(MINUTE, |_| {}, answered));
    answer(&mut world, stream, &response(200), b"ok");
    let (http, quic) = world.server.both();
    http.stop_receiving(quic, stream);
    world.rest();
    let stopped = world.client.quic_events.iter().any(|event| matches!(event, QuicEvent::Stopped { .. }));
    assert!(!stopped, "{:?}", world.client.quic_events);
    assert!(world.server.both().0.is_idle());
    assert_eq!(world.client.both().0.stats().resets_received, 0);
}

#[test]
fn unread_data_hold_the_peer_back() {
    let mut quic = QuicLimits::default();
    quic.stream_window = 100_000;
    let mut world = Setup { quic, ..Setup::default() }.connected();
    let stream = ask(&mut world, &request(Method::POST, "/"), false);
    let mut sent = 0usize;
    let mut application = |world: &mut World| {
        let (http, quic) = world.client.both();
        while http.capacity(quic, stream) > 0 && sent < 3_000_000 {
            let piece = Bytes::from(vec![7; 10_000]);
            sent += piece.len();
            http.send_data(quic, stream, piece, sent == 3_000_000).unwrap();
        }
    };
    let received = |world: &World| -> usize {
        let data = |event: &Event| if let Event::Data { data, .. } = event { data.len() } else { 0 };
        world.server.events.iter().map(data).sum()
    };
    world.run(MINUTE / 10, &mut application, |_| false);
    let first = received(&world);
    assert!(first > 90_000 && first <= 100_000, "{first}");
    let mut given = 0;
    let application = |world: &mut World| {
        application(world);
        let came = received(world);
        let (http, quic) = world.server.both();
        http.consumed(quic, stream, came - given);
        given = came;
    };
    let all = world.run(MINUTE, application, |world| received(world) == 3_000_000);
    assert!(all, "{}", received(&world));
}

#[test]
fn requests_wait_for_streams() {
    let mut quic = QuicLimits::default();
    quic.bidirectional_streams = 2;
    let mut world = Setup { quic, ..Setup::default() }.connected();
    for _ in 0..2 {
        ask(&mut world, &request(Method::GET, "/"), true);
    }
    let (http, quic) = world.client.both();
    assert_eq!(http.available(quic), 0);
    assert_eq!(http.send_request(quic, &request(Method::GET, "/"), true), Err(SendError::Blocked));
    world.rest();
    answer(&mut world, StreamId(0), &response(200), b"");
    world.rest();
    let (http, quic) = world.client.both();
    assert_eq!(http.available(quic), 1);
}

#[test]
fn tunnels_carry_data_both_ways() {
    let mut world = World::pair();
    let mut head = request(Method::CONNECT, "example.com:443");
    head.fields.push("x", "y").unwrap();
    let stream = ask(&mut world, &head, true);
    world.rest();
    assert!(matches!(only(&mut world.server), Event::Head { end: false, .. }));
    let (http, quic) = world.server.both();
    http.send_head(quic, stream, &Head::Response(response(200)), false).unwrap();
    assert!(http.is_tunnel(stream));
    http.send_data(quic, stream, Bytes::from_static(b"down"), false).unwrap();
    world.rest();
    assert!(world.client.both().0.is_tunnel(stream));
    let events = world.client.take_events();
    assert!(matches!(&events[..], [Event::Head { end: false, .. }, Event::Data { end: false, .. }]));
    let (http, quic) = world.client.both();
    assert_eq!(http.send_trailers(quic, stream, &Fields::new()), Err(SendError::Order));
    http.send_data(quic, stream, Bytes::from_static(b"up"), true).unwrap();
    world.rest();
    assert!(matches!(only(&mut world.server), Event::Data { end: true, .. }));
    let (http, quic) = world.server.both();
    http.reset(quic, stream, Reason::PeerClosed);
    world.rest();
    let code = ErrorCode::H3_CONNECT_ERROR.0;
    assert!(
        matches!(only(&mut world.client), Event::Reset { reason: Reason::Code(told), .. } if told == code)
    );
}

#[test]
fn extended_connect_needs_to_be_offered() {
    let mut head = request(Method::CONNECT, "example.com:443");
    head.form = wirelace_http_semantics::target::TargetForm::Origin;
    head.target = Bytes::from_static(b"/chat");
    head.protocol = Some("websocket".into());
    let mut world = World::pair();
    let stream = ask(&mut world, &head, false);
    world.rest();
    match only(&mut world.server) {
        Event::Head { head: Head::Request(head), .. } => {
            assert_eq!((head.protocol.as_deref(), head.path()), (Some("websocket"), "/chat"));
        }
        event => panic!("{event:?}"),
    }
    let (http, quic) = world.server.both();
    http.send_head(quic, stream, &Head::Response(response(200)), false).unwrap();
    world.rest();
    assert!(world.client.both().0.is_tunnel(stream));

    let mut limits = Limits::default();
    limits.connect_protocol = false;
    let mut world = Setup { server: Some(limits), ..Setup::default() }.connected();
    let (http, quic) = world.client.both();
    assert_eq!(http.connect_protocol(), Some(false));
    assert_eq!(http.send_request(quic, &head, false), Err(SendError::Head));
}

#[test]
fn the_more_urgent_goes_first() {
    let mut world = World::pair();
    let first = ask(&mut world, &request(Method::GET, "/1"), true);
    let mut head = request(Method::GET, "/2");
    head.fields.push(FieldId::PRIORITY, "u=1, i").unwrap();
    let second = ask(&mut world, &head, true);
    let third = ask(&mut world, &request(Method::GET, "/3"), true);
    let (http, quic) = world.client.both();
    http.set_priority(quic, first, Priority::new(6, false));
    http.set_priority(quic, third, Priority::new(0, false));
    world.rest();
    let (http, quic) = world.server.both();
    assert_eq!(http.priority(first), Priority::new(6, false));
    assert_eq!(http.priority(second), Priority::new(1, true));
    assert_eq!(http.priority(third), Priority::new(0, false));
    for stream in [first, second, third] {
        http.send_message(quic, stream, &response(200), Bytes::from(vec![0; 200_000])).unwrap();
    }
    let mut ends = Vec::new();
    let application = |world: &mut World| {
        for event in world.client.take_events() {
            if let Event::Data { stream, data, end } = event {
                let (http, quic) = world.client.both();
                http.consumed(quic, stream, data.len());
                if end {
                    ends.push(stream);
                }
            }
        }
    };
    world.run(MINUTE, application, |_| false);
    assert_eq!(ends, [third, second, first]);
}

#[test]
fn the_table_is_used_and_settles() {
    let mut world = World::pair();
    let mut sizes = Vec::new();
    for _ in 0..8 {
        let mut head = request(Method::GET, "/");
        head.fields.push("x-long-name-that-repeats", "a value of some length, too long to be cheap").unwrap();
        let before = world.client.quic().stats().bytes_sent;
        let stream = ask(&mut world, &head, true);
        world.rest();
        let taken = world.server.take_events();
        assert!(matches!(&taken[..], [Event::Head { .. }]), "{taken:?}");
        answer(&mut world, stream, &response(200), b"");
        world.rest();
        sizes.push(world.client.quic().stats().bytes_sent - before);
    }
    assert!(sizes.last().unwrap() + 40 < sizes[0], "{sizes:?}");
}

#[test]
fn a_server_leaves_in_two_steps() {
    let mut world = World::pair();
    let first = ask(&mut world, &request(Method::GET, "/"), true);
    world.rest();
    world.server.take_events();
    world.server.both().0.shut_down();
    // One that was on its way.
    let second = ask(&mut world, &request(Method::GET, "/"), true);
    let told =
        |world: &mut World| world.client.events.iter().any(|event| matches!(event, Event::GoAway { .. }));
    assert!(world.run(MINUTE, |_| {}, told));
    assert!(
        matches!(only(&mut world.client), Event::GoAway { last: StreamId(last), .. } if last == (1 << 62) - 8)
    );
    let (http, quic) = world.client.both();
    assert_eq!(http.send_request(quic, &request(Method::GET, "/"), true), Err(SendError::ShuttingDown));
    world.run(MINUTE / 10, |_| {}, |_| false);
    assert!(matches!(only(&mut world.client), Event::GoAway { last, .. } if last == second));
    assert!(matches!(only(&mut world.server), Event::Head { .. }));
    for stream in [first, second] {
        answer(&mut world, stream, &response(200), b"bye");
    }
    world.run(MINUTE / 10, |_| {}, |_| false);
    assert!(world.server.both().0.is_finished());
    let ends =
        world.client.events.iter().filter(|event| matches!(event, Event::Data { end: true, .. })).count();
    assert_eq!(ends, 2, "{:?}", world.client.events);
    let code = ErrorCode::H3_NO_ERROR.0;
    let closed = world.client.quic_events.iter().any(|event| {
        matches!(event, QuicEvent::Closed(CloseReason::Application { code: told, .. }) if *told == code)
    });
    assert!(closed, "{:?}", world.client.quic_events);
    assert!(world.client.error.is_none());
}

#[test]
fn requests_beyond_goaway_are_refused_at_both_ends() {
    let mut world = Setup { client: None, ..Setup::default() }.connected();
    world.client.control(&[]);
    world.rest();
    world.server.both().0.shut_down();
    world.run(MINUTE / 10, |_| {}, |_| false);
    // The server is gone: nothing was under way.
    assert_eq!(world.client.closed().map(ErrorCode), Some(ErrorCode::H3_NO_ERROR));

    let mut world = Setup { server: None, ..Setup::default() }.connected();
    let streams: Vec<StreamId> = (0..3).map(|_| ask(&mut world, &request(Method::GET, "/"), true)).collect();
    world.server.control(&[0x07, 0x01, 0x04]);
    world.rest();
    let events = world.client.take_events();
    let refused: Vec<StreamId> = events
        .iter()
        .filter_map(|event| match event {
            Event::Reset { stream, reason: Reason::Refused } => Some(*stream),
            _ => None,
        })
        .collect();
    assert_eq!(refused, streams[1..]);
    assert!(matches!(events.last(), Some(Event::GoAway { last: StreamId(0), .. })), "{events:?}");
}

#[test]
fn a_client_leaves_when_it_has_everything() {
    let mut world = World::pair();
    let stream = ask(&mut world, &request(Method::GET, "/"), true);
    world.rest();
    world.client.both().0.shut_down();
    world.rest();
    assert!(!world.client.both().0.is_finished());
    answer(&mut world, stream, &response(200), b"");
    world.rest();
    assert!(world.client.both().0.is_finished());
    assert!(world.server.both().0.is_finished() && world.server.error.is_none());
}

#[test]
fn exchanges_hear_that_the_connection_is_gone() {
    let mut world = World::pair();
    let stream = ask(&mut world, &request(Method::GET, "/"), true);
    world.rest();
    let now = world.now();
    world.server.quic().close(now, ErrorCode::H3_NO_ERROR.0, b"");
    world.rest();
    let event = only(&mut world.client);
    assert!(matches!(event, Event::Reset { stream: gone, reason: Reason::PeerClosed } if gone == stream));
    assert!(world.client.both().0.is_finished() && world.client.error.is_none());
}
