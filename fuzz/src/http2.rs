//! HTTP/2: frames, and connections of both roles: input cut anywhere means the same.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine, Reason, RequestHead, ResponseHead, SendError, StreamId,
};
use wirelace_http2::{Connection, Error, Limits, PREFACE};
use wirelace_http2_frames::{FRAME_HEADER_LEN, Flags, Frame, FrameHeader, FrameType, data_range};
use wirelace_sim::{Step, feed};
use wirelace_wire::Machine;

use crate::input::Choices;

/// Frames that are read are written the same, and what is refused is refused for a reason.
pub fn frames(data: &[u8]) {
    let mut rest = data;
    while let Some(header) = FrameHeader::read(rest) {
        let payload = &rest[FRAME_HEADER_LEN..];
        let Some(payload) = payload.get(..header.length as usize) else { break };
        rest = &rest[FRAME_HEADER_LEN + payload.len()..];
        match Frame::parse(header, payload) {
            Ok(frame) => {
                for padding in [None, Some(payload.len() as u8)] {
                    let mut out = Vec::new();
                    match padding {
                        None => frame.write(&mut out),
                        Some(padding) => frame.write_padded(&mut out, padding),
                    }
                    let again = FrameHeader::read(&out).expect("a header was written");
                    assert_eq!(again.length as usize, out.len() - FRAME_HEADER_LEN);
                    let back =
                        Frame::parse(again, &out[FRAME_HEADER_LEN..]).expect("what was written can be read");
                    if let (Frame::Data { data, .. }, Frame::Data { data: same, flow_length, .. }) =
                        (frame, back)
                    {
                        let octets = padding.map_or(0, |padding| usize::from(padding) + 1);
                        assert_eq!((data, data.len() + octets), (same, flow_length as usize));
                        let range = data_range(header, payload).expect("it was read");
                        assert_eq!(&payload[range], data);
                    } else {
                        assert_eq!(frame, back);
                    }
                }
            }
            Err(error) => {
                assert!(error.offset() <= payload.len() && error.stream() == header.stream);
                assert!(error.code().name().is_some() && !error.to_string().is_empty());
                assert!(!error.is_stream_error() || error.stream() != 0);
            }
        }
    }
}

/// One stream as the application saw it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    start: String,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
    interim: usize,
    complete: bool,
    reset: Option<Reason>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    messages: BTreeMap<u64, Message>,
    order: Vec<u64>,
    error: Option<Error>,
}

fn lines(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
}

fn limits(choices: &mut Choices<'_>) -> Limits {
    let bits = choices.byte();
    let mut limits = Limits { push: bits & 1 != 0, connect_protocol: bits & 2 != 0, ..Limits::default() };
    if bits & 4 != 0 {
        limits.streams = 3;
        limits.pushes = 1;
        limits.header_list = 200;
        limits.fields = 6;
        limits.continuations = 3;
        limits.body = 100;
        limits.window = 40;
        limits.window_reserve = 16;
        limits.send_buffer = 30;
        limits.decoder_table = 100;
        limits.interim = 2;
    }
    limits
}

/// Frames out of fuzzer input: type, flags, stream and length in four octets, so that most inputs are frames.
fn wire(payload: &[u8], raw: bool, client: bool) -> Vec<u8> {
    let mut out = if client { PREFACE.to_vec() } else { Vec::new() };
    FrameHeader { length: 0, frame_type: FrameType::SETTINGS, flags: Flags::NONE, stream: 0 }.write(&mut out);
    if raw {
        out.extend_from_slice(payload);
        return out;
    }
    let mut rest = payload;
    while let [frame_type, flags, stream, length, after @ ..] = rest {
        let (payload, after) = after.split_at(usize::from(*length).min(after.len()));
        let header = FrameHeader {
            length: payload.len() as u32,
            frame_type: FrameType(frame_type & 0x1f),
            flags: Flags(*flags),
            stream: u32::from(*stream),
        };
        header.write(&mut out);
        out.extend_from_slice(payload);
        rest = after;
    }
    out
}

impl Seen {
    fn note(&mut self, machine: &mut Connection, step: Step<'_, Event, Error>) -> Option<Event> {
        match step {
            Step::Output(bytes) => assert!(bytes.len() < 400_000, "output without a bound"),
            Step::End => {}
            Step::Error(error) => self.error = Some(error),
            Step::Event(Event::Data { stream, data, end }) => {
                let message = self.messages.get_mut(&stream.0).expect("a head comes first");
                assert!(!message.complete && message.reset.is_none(), "nothing comes after the end");
                message.body.extend_from_slice(&data);
                message.complete = end;
                machine.consumed(stream, data.len());
                return end.then_some(Event::Data { stream, data, end });
            }
            Step::Event(Event::Trailers { stream, fields }) => {
                let message = self.messages.get_mut(&stream.0).expect("a head comes first");
                assert!(!message.complete && message.reset.is_none(), "nothing comes after the end");
                message.trailers = lines(&fields);
                message.complete = true;
                return Some(Event::Trailers { stream, fields });
            }
            Step::Event(Event::Reset { stream, reason }) => {
                let message = self.messages.entry(stream.0).or_default();
                assert!(message.reset.is_none(), "reset twice");
                message.reset = Some(reason);
            }
            Step::Event(event) => return Some(event),
        }
        None
    }

    fn head(&mut self, stream: StreamId, start: String, fields: &Fields, end: bool) {
        for (name, value) in lines(fields) {
            assert!(!name.iter().any(u8::is_ascii_uppercase), "names are lower-case");
            assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "no value splits a message");
        }
        self.order.push(stream.0);
        let message = self.messages.entry(stream.0).or_default();
        assert!(message.start.is_empty(), "one head a stream");
        message.start = start;
        message.fields = lines(fields);
        message.complete = end;
    }
}

/// No credit is lost or comes twice, whatever the peer does.
fn check(machine: &mut Connection) {
    if machine.is_finished() {
        return;
    }
    let window = machine.receive_window();
    assert_eq!(
        window.available + i64::from(window.to_grant) + window.held as i64,
        i64::from(window.size),
        "{window:?}"
    );
}

/// Where frames end.
fn boundaries(input: &[u8], client: bool) -> Vec<usize> {
    let mut at = if client { PREFACE.len() } else { 0 };
    let mut ends = Vec::new();
    while at < input.len() {
        ends.push(at);
        let Some(header) = FrameHeader::read(&input[at..]) else { break };
        at += FRAME_HEADER_LEN + header.length as usize;
    }
    ends
}

/// The input means the same in frames and in pieces of frames.
///
/// Beyond that, it may not: how much of an answer is out when a frame comes decides whether its stream is open, closed
/// or gone. A driver that has several frames at once reads them all before it writes; the rules that `serve` checks
/// hold then too.
fn same(pieces: &[&[u8]], input: &[u8], client: bool, serve: impl Fn(&[&[u8]]) -> Seen) {
    serve(&[input]);
    serve(pieces);
    let mut ends = boundaries(input, client);
    let frames = serve(&split(input, &ends));
    let mut at = 0;
    for piece in pieces {
        at += piece.len();
        ends.push(at);
    }
    ends.sort_unstable();
    assert_eq!(frames, serve(&split(input, &ends)), "cutting frames changes what they mean");
}

fn split<'a>(input: &'a [u8], ends: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &end in ends.iter().chain([&input.len()]) {
        if end > from && end <= input.len() {
            pieces.push(&input[from..end]);
            from = end;
        }
    }
    pieces
}

/// A server that reads the input.
pub fn server(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 24);
    let limits = limits(&mut choices);
    let bits = choices.byte();
    let bytes = wire(payload, bits & 1 != 0, bits & 2 == 0);
    let close = bits & 4 != 0;
    let how = bits >> 3 & 3;
    let pieces = choices.pieces(&bytes);
    let serve = |pieces: &[&[u8]]| -> Seen {
        let mut machine = Connection::server(limits.clone(), false, Instant::now());
        let seen = feed(&mut machine, pieces.iter().copied(), close, |machine, seen, step| {
            answer(machine, seen, step, how);
        });
        check(&mut machine);
        assert!(seen.error.is_none() || machine.is_finished(), "open after an error");
        seen
    };
    same(&pieces, &bytes, bits & 2 == 0, serve);
}

fn answer(machine: &mut Connection, seen: &mut Seen, step: Step<'_, Event, Error>, how: u8) {
    let Some(event) = seen.note(machine, step) else { return };
    match event {
        Event::Head { stream, head: Head::Request(head), end } => {
            let start = format!("{} {:?} {:?}", head.method, head.target, head.protocol);
            assert!(head.method == Method::CONNECT || head.authority().is_some());
            seen.head(stream, start, &head.fields, end);
            match how {
                0 if end => respond(machine, stream, 20),
                1 => {
                    machine.stop_receiving(stream);
                    respond(machine, stream, 3);
                }
                2 if seen.order.len() % 3 == 2 => {
                    machine.reset(stream, Reason::Cancel);
                    seen.messages.entry(stream.0).or_default().complete = true;
                }
                3 => push(machine, stream),
                _ => {}
            }
        }
        Event::Data { stream, .. } | Event::Trailers { stream, .. } if how == 0 => {
            respond(machine, stream, 60)
        }
        Event::Data { .. } | Event::Trailers { .. } | Event::Capacity { .. } | Event::GoAway { .. } => {}
        event => panic!("a server has no {event:?}"),
    }
}

fn respond(machine: &mut Connection, stream: StreamId, len: usize) {
    let head = ResponseHead::new(StatusCode::OK);
    match machine.send_message(stream, head, Bytes::from(vec![b'r'; len])) {
        Ok(()) | Err(SendError::Closed) => {}
        Err(error) => panic!("{error}"),
    }
}

fn push(machine: &mut Connection, parent: StreamId) {
    let mut head = RequestHead::new(Method::GET, "/pushed").expect("valid");
    head.fields.push(FieldId::HOST, "a").expect("valid");
    if let Ok(promised) = machine.push(parent, head) {
        respond(machine, promised, 10);
    }
    respond(machine, parent, 10);
}

/// A client that has sent three requests reads the input.
pub fn client(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 24);
    let limits = limits(&mut choices);
    let bits = choices.byte();
    let bytes = wire(payload, bits & 1 != 0, false);
    let close = bits & 4 != 0;
    let pieces = choices.pieces(&bytes);
    let ask = |pieces: &[&[u8]]| -> Seen {
        let mut machine = Connection::client(limits.clone(), false, Instant::now());
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let end = method != Method::POST;
            let mut head = RequestHead::new(method, "/").expect("valid");
            head.fields.push(FieldId::HOST, "a").expect("valid");
            machine.send_request(head, end).expect("three are always allowed");
        }
        let seen = feed(&mut machine, pieces.iter().copied(), close, |machine, seen, step| {
            listen(machine, seen, step, bits >> 3);
        });
        check(&mut machine);
        assert!(seen.error.is_none() || machine.is_finished(), "open after an error");
        seen
    };
    same(&pieces, &bytes, false, ask);
}

fn listen(machine: &mut Connection, seen: &mut Seen, step: Step<'_, Event, Error>, how: u8) {
    let Some(event) = seen.note(machine, step) else { return };
    match event {
        Event::Head { stream, head: Head::Response(head), end } => {
            seen.head(stream, head.status.to_string(), &head.fields, end);
        }
        Event::Informational { stream, .. } => {
            seen.messages.entry(stream.0).or_default().interim += 1;
        }
        Event::Promise { promised, head: Head::Request(head), .. } => {
            assert!(matches!(head.method, Method::GET | Method::HEAD));
            if how & 1 != 0 {
                machine.reset(promised, Reason::Cancel);
            }
        }
        Event::Capacity { stream } => {
            let _ = machine.send_data(stream, Bytes::from_static(b"more"), how & 2 != 0);
        }
        Event::Data { .. }
        | Event::Trailers { .. }
        | Event::GoAway { .. }
        | Event::AltSvc { .. }
        | Event::Origin { .. } => {}
        event => panic!("a client has no {event:?}"),
    }
}
