//! Field blocks to messages: what RFC 9113 §8 allows arrives as it was sent, and what it forbids ends its stream and
//! nothing else.

mod raw;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use raw::Raw;
use std::time::Instant;
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine, Priority, Reason, RequestHead, ResponseHead, StreamId,
};
use wirelace_http2::{Connection, ErrorCode, Limits, Malformed};
use wirelace_wire::Machine;

type Line = (&'static str, &'static str);

const METHOD: Line = (":method", "GET");
const SCHEME: Line = (":scheme", "https");
const PATH: Line = (":path", "/");
const AUTHORITY: Line = (":authority", "a");
const CONNECT: Line = (":method", "CONNECT");

fn get(more: &[Line]) -> Vec<Line> {
    [&[METHOD, SCHEME, PATH, AUTHORITY], more].concat()
}

fn request_of(raw: &Raw, stream: u64) -> Option<&RequestHead> {
    raw.events.iter().find_map(|event| match event {
        Event::Head { stream: of, head: Head::Request(head), .. } if of.0 == stream => Some(&**head),
        _ => None,
    })
}

fn lines(fields: &Fields) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|field| (text(field.name), text(field.value))).collect()
}

/// The application hears nothing of the request, the peer hears why, and the next one is served.
fn refused(lines: &[Line], rule: Malformed) {
    let mut raw = Raw::client(Limits { connect_protocol: true, ..Limits::default() });
    raw.headers(1, lines, true);
    assert_eq!(raw.reset_of(1), Some(ErrorCode::PROTOCOL_ERROR), "{lines:?}");
    assert_eq!(raw.machine.last_malformed(), Some((StreamId(1), rule)), "{lines:?}");
    assert_eq!((raw.events.len(), raw.machine.stats().malformed), (0, 1), "{lines:?}");
    raw.headers(3, &get(&[]), true);
    assert!(raw.has_head(3) && raw.error.is_none(), "{lines:?}");
}

#[test]
fn fields_that_no_request_may_have() {
    for (field, rule) in [
        (("X", "1"), Malformed::Name),
        (("", "1"), Malformed::Name),
        (("x y", "1"), Malformed::Name),
        (("x:", "1"), Malformed::Name),
        (("x\r\ny", "1"), Malformed::Name),
        (("x", "a\r\nb: c"), Malformed::Value),
        (("x", "\0"), Malformed::Value),
        (("x", " a"), Malformed::Value),
        (("x", "a\t"), Malformed::Value),
        (("connection", "close"), Malformed::ConnectionSpecific),
        (("keep-alive", "timeout=1"), Malformed::ConnectionSpecific),
        (("proxy-connection", "close"), Malformed::ConnectionSpecific),
        (("transfer-encoding", "chunked"), Malformed::ConnectionSpecific),
        (("upgrade", "h2c"), Malformed::ConnectionSpecific),
        (("te", "gzip"), Malformed::Te),
        (("expect", "200-ok"), Malformed::Expectation),
        (("content-length", "x"), Malformed::ContentLength),
        (("content-length", "1"), Malformed::BodyLength),
        (("host", "b"), Malformed::Authority),
        ((":path", "/"), Malformed::PseudoLate),
        ((":other", "/"), Malformed::PseudoLate),
    ] {
        refused(&get(&[("x-before", "1"), field]), rule);
    }
}

#[test]
fn pseudo_header_fields_that_are_not_those_of_a_request() {
    let extended = [CONNECT, (":protocol", "websocket")];
    for (lines, rule) in [
        (vec![SCHEME, PATH, AUTHORITY], Malformed::PseudoMissing),
        (vec![METHOD, PATH, AUTHORITY], Malformed::PseudoMissing),
        (vec![METHOD, SCHEME, AUTHORITY], Malformed::PseudoMissing),
        (vec![METHOD, SCHEME, PATH], Malformed::Authority),
        (vec![METHOD, SCHEME, PATH, (":authority", "")], Malformed::Authority),
        (vec![METHOD, SCHEME, PATH, (":authority", "u@a")], Malformed::Authority),
        (vec![METHOD, METHOD, SCHEME, PATH, AUTHORITY], Malformed::PseudoRepeated),
        (vec![METHOD, SCHEME, PATH, PATH, AUTHORITY], Malformed::PseudoRepeated),
        (vec![METHOD, SCHEME, PATH, AUTHORITY, AUTHORITY], Malformed::PseudoRepeated),
        (vec![METHOD, SCHEME, SCHEME, PATH, AUTHORITY], Malformed::PseudoRepeated),
        (vec![METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")], Malformed::PseudoUnknown),
        (vec![METHOD, SCHEME, PATH, AUTHORITY, (":other", "x")], Malformed::PseudoUnknown),
        (vec![(":method", "G T"), SCHEME, PATH, AUTHORITY], Malformed::Method),
        (vec![METHOD, (":scheme", "1"), PATH, AUTHORITY], Malformed::Scheme),
        (vec![METHOD, SCHEME, (":path", ""), AUTHORITY], Malformed::Path),
        (vec![METHOD, SCHEME, (":path", "x"), AUTHORITY], Malformed::Path),
        (vec![METHOD, SCHEME, (":path", "*"), AUTHORITY], Malformed::Path),
        (vec![METHOD, SCHEME, (":path", "https://a/"), AUTHORITY], Malformed::Path),
        (vec![METHOD, SCHEME, (":path", "/ HTTP/1.1"), AUTHORITY], Malformed::Path),
        (vec![CONNECT, SCHEME, PATH, (":authority", "a:1")], Malformed::Connect),
        (vec![CONNECT], Malformed::Connect),
        (vec![CONNECT, AUTHORITY], Malformed::Connect),
        (vec![METHOD, SCHEME, PATH, AUTHORITY, (":protocol", "websocket")], Malformed::Protocol),
        ([&extended[..], &[SCHEME, AUTHORITY]].concat(), Malformed::PseudoMissing),
    ] {
        refused(&lines, rule);
    }
}

#[test]
fn an_extended_connect_that_was_not_offered() {
    let mut raw = Raw::client(Limits { connect_protocol: false, ..Limits::default() });
    raw.headers(1, &[CONNECT, (":protocol", "websocket"), SCHEME, PATH, AUTHORITY], false);
    assert_eq!(raw.machine.last_malformed(), Some((StreamId(1), Malformed::Protocol)));
    assert_eq!(raw.reset_of(1), Some(ErrorCode::PROTOCOL_ERROR));
}

#[test]
fn requests_as_the_application_gets_them() {
    use TargetForm::{Asterisk, Authority, Origin};
    for (lines, target, form, authority) in [
        (get(&[]), "/", Origin, "a"),
        (vec![PATH, AUTHORITY, SCHEME, METHOD], "/", Origin, "a"),
        (vec![METHOD, (":scheme", "ftp+x.1"), PATH, AUTHORITY], "/", Origin, "a"),
        (vec![METHOD, SCHEME, (":path", "/a?b=/c"), (":authority", "[::1]:8")], "/a?b=/c", Origin, "[::1]:8"),
        (vec![METHOD, SCHEME, PATH, ("host", "b:1")], "/", Origin, "b:1"),
        (get(&[("host", "a")]), "/", Origin, "a"),
        (vec![(":method", "OPTIONS"), SCHEME, (":path", "*"), AUTHORITY], "*", Asterisk, "a"),
        (vec![CONNECT, (":authority", "a:1")], "a:1", Authority, "a:1"),
        (vec![CONNECT, (":protocol", "websocket"), SCHEME, PATH, AUTHORITY], "/", Origin, "a"),
    ] {
        let mut raw = Raw::client(Limits { connect_protocol: true, ..Limits::default() });
        raw.headers(1, &lines, false);
        let head = request_of(&raw, 1).unwrap_or_else(|| panic!("{lines:?}: {:?}", raw.seen));
        assert_eq!((&head.target[..], head.form), (target.as_bytes(), form), "{lines:?}");
        assert_eq!(head.authority(), Some(authority.as_bytes()), "{lines:?}");
        let protocol = lines.iter().find(|line| line.0 == ":protocol").map(|line| line.1);
        assert_eq!(head.protocol.as_deref(), protocol);
    }
}

#[test]
fn fields_keep_their_order_and_cookies_become_one() {
    let mut raw = Raw::client(Limits::default());
    raw.headers(
        1,
        &get(&[("b", "1"), ("cookie", "x=1"), ("a", ""), ("te", "Trailers"), ("cookie", "y=2"), ("b", "2")]),
        true,
    );
    let head = request_of(&raw, 1).unwrap();
    let got = lines(&head.fields);
    let got: Vec<_> = got.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(head.fields.get(FieldId::COOKIE), Some(&b"x=1; y=2"[..]), "{got:?}");
    let others: Vec<_> = got.into_iter().filter(|line| line.0 != "cookie").collect();
    assert_eq!(others, [("host", "a"), ("b", "1"), ("a", ""), ("te", "Trailers"), ("b", "2")]);
}

#[test]
fn priority_may_come_in_several_lines() {
    let mut raw = Raw::client(Limits::default());
    for (stream, lines, priority) in [
        (1, &[][..], Priority::default()),
        (3, &[("priority", "u=1, i")], Priority::new(1, true)),
        (5, &[("priority", "u=1"), ("priority", "i")], Priority::new(1, true)),
        (7, &[("priority", "u=1, i"), ("priority", "u=6")], Priority::new(6, true)),
        (9, &[("priority", "u=9"), ("priority", "i=?0")], Priority::default()),
    ] {
        raw.headers(stream, &get(lines), true);
        assert_eq!(raw.machine.priority(StreamId(stream.into())), priority, "{lines:?}");
    }
}

#[test]
fn trailers_have_no_pseudo_header_fields_and_end_the_message() {
    for (lines, end, rule) in [
        (&[(":path", "/")][..], true, Malformed::PseudoUnknown),
        (&[("X", "1")], true, Malformed::Name),
        (&[("x", "1")], false, Malformed::SectionWithoutEnd),
    ] {
        let mut raw = Raw::client(Limits::default());
        raw.request(1, false);
        raw.headers(1, lines, end);
        assert_eq!(raw.machine.last_malformed(), Some((StreamId(1), rule)));
        assert_eq!(raw.reset_of(1), Some(ErrorCode::PROTOCOL_ERROR));
        let told =
            |event: &Event| matches!(event, Event::Reset { stream: StreamId(1), reason: Reason::Protocol });
        assert!(raw.events.last().is_some_and(told), "{:?}", raw.events);
        assert_eq!(raw.error, None);
    }
}

/// A client with one request out.
fn asking(method: Method) -> Raw {
    let mut raw = Raw::server(Limits::default());
    let mut head = RequestHead::new(method, "/").unwrap();
    head.fields.push(FieldId::HOST, "a").unwrap();
    assert_eq!(raw.machine.send_request(head, true), Ok(StreamId(1)));
    raw.poll();
    raw
}

#[test]
fn responses_that_break_a_rule() {
    for (lines, end, rule) in [
        (&[("x", "1")][..], true, Malformed::PseudoMissing),
        (&[(":status", "200"), (":status", "200")], true, Malformed::PseudoRepeated),
        (&[(":status", "200"), (":path", "/")], true, Malformed::PseudoUnknown),
        (&[("x", "1"), (":status", "200")], true, Malformed::PseudoLate),
        (&[(":status", "20")], true, Malformed::Status),
        (&[(":status", "2000")], true, Malformed::Status),
        (&[(":status", "+20")], true, Malformed::Status),
        (&[(":status", "101")], false, Malformed::Status),
        (&[(":status", "103")], true, Malformed::InterimEnd),
        (&[(":status", "200"), ("content-length", "1")], true, Malformed::BodyLength),
        (
            &[(":status", "200"), ("content-length", "1"), ("content-length", "2")],
            false,
            Malformed::ContentLength,
        ),
        (&[(":status", "200"), ("connection", "close")], true, Malformed::ConnectionSpecific),
    ] {
        let mut raw = asking(Method::GET);
        raw.headers(1, lines, end);
        assert_eq!(raw.machine.last_malformed(), Some((StreamId(1), rule)), "{lines:?}");
        assert_eq!(raw.reset_of(1), Some(ErrorCode::PROTOCOL_ERROR), "{lines:?}");
        assert_eq!(raw.error, None);
    }
}

#[test]
fn bodies_that_are_not_as_long_as_they_say() {
    for (length, parts, end) in
        [("3", &[&b"ab"[..]][..], true), ("3", &[b"abcd"], false), ("0", &[b"a"], false)]
    {
        let mut raw = asking(Method::GET);
        raw.headers(1, &[(":status", "200"), ("content-length", length)], false);
        for part in parts {
            raw.data(1, part, None, end);
        }
        assert_eq!(raw.machine.last_malformed(), Some((StreamId(1), Malformed::BodyLength)));
        assert_eq!(raw.reset_of(1), Some(ErrorCode::PROTOCOL_ERROR));
    }
    // Without a body, the field may say what there would have been (RFC 9110 §8.6).
    for (method, status) in [(Method::HEAD, "200"), (Method::GET, "304")] {
        let mut raw = asking(method);
        raw.headers(1, &[(":status", status), ("content-length", "3")], true);
        assert!(raw.has_head(1) && raw.machine.last_malformed().is_none());
    }
}

#[test]
fn data_before_the_head() {
    let mut raw = asking(Method::GET);
    raw.headers(1, &[(":status", "103")], false);
    raw.data(1, b"x", None, false);
    assert_eq!(raw.machine.last_malformed(), Some((StreamId(1), Malformed::DataBeforeHead)));
    assert_eq!(raw.reset_of(1), Some(ErrorCode::PROTOCOL_ERROR));
}

#[test]
fn what_the_peer_says_when_it_ends_something() {
    let mut raw = asking(Method::GET);
    assert_eq!((raw.machine.last_reset(), raw.machine.last_go_away()), (None, None));
    let code = ErrorCode(0x1234);
    raw.send(wirelace_http2_frames::Frame::RstStream { stream: 1, code });
    assert_eq!(raw.machine.last_reset(), Some((StreamId(1), code)));
    let debug = [b'x'; 300];
    raw.send(wirelace_http2_frames::Frame::GoAway { last_stream: 1, code, debug: &debug });
    assert_eq!(raw.machine.last_go_away(), Some((code, &debug[..256])), "bounded");
}

/// Carries bytes between two machines until neither has anything to say; returns what the events were.
fn settle(machines: &mut [Connection; 2]) -> [Vec<Event>; 2] {
    let now = Instant::now();
    let mut events = [Vec::new(), Vec::new()];
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    loop {
        let mut moved = false;
        for side in 0..2 {
            while let Some(event) =
                machines[side].poll_event(now, &mut inputs[side]).expect("both keep the rules")
            {
                events[side].push(event);
                moved = true;
            }
            let output = machines[side].output();
            let before = inputs[1 - side].len();
            output.chunks().for_each(|chunk| inputs[1 - side].extend_from_slice(chunk));
            let len = output.len();
            output.advance(len);
            moved |= inputs[1 - side].len() > before;
        }
        if !moved {
            return events;
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    // Other than those with a meaning of their own.
    prop_oneof!["x-[a-z0-9!#$%&'*+.^_`|~-]{0,12}", Just("accept".to_owned()), Just("user-agent".to_owned())]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        "[!-~]([ -~]{0,30}[!-~])?".prop_map(String::into_bytes),
        vec(0x80u8.., 1..9),
    ]
}

fn fields(named: &[(String, Vec<u8>)], sensitive: bool) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in named {
        fields.push(name.as_str(), value).unwrap();
        if sensitive {
            fields.mark_last_sensitive();
        }
    }
    fields
}

fn listed(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
}

proptest! {
    #[test]
    fn messages_arrive_as_they_were_sent(
        method in "[A-Z]{1,8}".prop_filter("has rules of its own", |method| method != "CONNECT" && method != "HEAD"),
        path in "/[!-~&&[^#]]{0,20}",
        status in 200u16..600,
        requested in vec((name(), value()), 0..12),
        answered in vec((name(), value()), 0..12),
        trailed in vec((name(), value()), 1..4),
        sensitive: bool,
    ) {
        prop_assume!(!matches!(status, 204 | 205 | 304));
        let now = Instant::now();
        let mut machines =
            [Connection::client(Limits::default(), true, now), Connection::server(Limits::default(), true, now)];
        // Twice: the second time both tables have the fields.
        for _ in 0..2 {
            let mut head = RequestHead::new(method.parse().unwrap(), path.clone()).unwrap();
            head.fields = fields(&requested, sensitive);
            head.fields.push(FieldId::HOST, "example.org").unwrap();
            let sent = listed(&head.fields);
            let stream = machines[0].send_request(head, true).unwrap();
            let [_, at_server] = settle(&mut machines);
            let [Event::Head { head: Head::Request(got), end: true, .. }] = &at_server[..] else {
                panic!("{at_server:?}");
            };
            prop_assert_eq!((got.method.as_str(), &got.target[..]), (&method[..], path.as_bytes()));
            // The authority comes first.
            let mut want = sent;
            want.rotate_right(1);
            prop_assert_eq!(listed(&got.fields), want);

            let mut head = ResponseHead::new(StatusCode::from_u16(status).unwrap());
            head.fields = fields(&answered, sensitive);
            let (want, ends) = (listed(&head.fields), fields(&trailed, sensitive));
            let want_ends = listed(&ends);
            machines[1].send_head(stream, Head::Response(head), false).unwrap();
            machines[1].send_data(stream, Bytes::from_static(b"body"), false).unwrap();
            machines[1].send_trailers(stream, ends).unwrap();
            let [at_client, _] = settle(&mut machines);
            let [
                Event::Head { head: Head::Response(got), end: false, .. },
                Event::Data { data, .. },
                Event::Trailers { fields: ends, .. },
            ] = &at_client[..] else {
                panic!("{at_client:?}");
            };
            prop_assert_eq!((got.status.as_u16(), &data[..]), (status, &b"body"[..]));
            prop_assert_eq!((listed(&got.fields), listed(ends)), (want, want_ends));
        }
    }
}
