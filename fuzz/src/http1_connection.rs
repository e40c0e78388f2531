//! `http1`'s connection machines, both roles: input cut anywhere means the same.

use crate::input::Choices;
use bytes::Bytes;
use http::{Method, StatusCode};
use std::time::Instant;
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine as _, Reason, RequestHead, ResponseHead, StreamId,
};
use wirelace_http1::head::{FieldLine, HeadLimits, ResponseLeniency, Status, parse_response};
use wirelace_http1::{ClientConnection, Error, Limits, ServerConnection};
use wirelace_sim::{Step, feed};
use wirelace_wire::Machine;

/// One message as the application saw it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    start: String,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
    complete: bool,
}

/// All that the application saw, and what the peer was sent.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    messages: Vec<Message>,
    interim: Vec<Message>,
    tunnel: Vec<u8>,
    resets: Vec<(u64, Reason)>,
    error: Option<Error>,
    output: Vec<u8>,
    finished: bool,
}

impl Seen {
    /// Records what both roles have in common; the event is returned when it is a head.
    fn note<E: Into<Option<Error>>>(
        &mut self,
        machine: &mut impl wirelace_http_semantics::HttpMachine,
        tunnel: bool,
        step: Step<'_, Event, E>,
    ) -> Option<Event> {
        match step {
            Step::Output(bytes) => self.output.extend_from_slice(bytes),
            Step::End => self.finished = machine.is_finished(),
            Step::Error(error) => {
                self.error = error.into();
                self.finished = machine.is_finished();
            }
            Step::Event(Event::Data { stream, data, end }) => {
                machine.consumed(stream, data.len());
                if tunnel {
                    self.tunnel.extend_from_slice(&data);
                    return None;
                }
                let message = self.open();
                message.body.extend_from_slice(&data);
                message.complete = end;
                return end.then_some(Event::Data { stream, data, end });
            }
            Step::Event(Event::Trailers { stream, fields }) => {
                let message = self.open();
                message.trailers = lines(&fields);
                message.complete = true;
                return Some(Event::Trailers { stream, fields });
            }
            Step::Event(Event::Reset { stream, reason }) => self.resets.push((stream.0, reason)),
            Step::Event(event) => return Some(event),
        }
        None
    }

    fn open(&mut self) -> &mut Message {
        let message = self.messages.last_mut().expect("a head comes first");
        assert!(!message.complete, "nothing comes after the end");
        message
    }
}

/// Two ways to cut one input came to the same.
fn same(mut pieces: Seen, whole: &Seen) {
    // How much of a body was handed out before an error ended it is a matter of when it came.
    if let (Some(cut), Some(full), true) =
        (pieces.messages.last_mut(), whole.messages.last(), whole.error.is_some())
        && !full.complete
        && (full.body.starts_with(&cut.body) || cut.body.starts_with(&full.body))
    {
        cut.body.clone_from(&full.body);
    }
    assert_eq!(&pieces, whole, "cutting the input changes what it means");
}

fn lines(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
}

/// Limits from two bytes: the defaults, or small ones that inputs of a few hundred bytes reach.
fn limits(choices: &mut Choices<'_>) -> Limits {
    let bits = choices.byte();
    let mut limits =
        Limits { in_flight: usize::from(bits & 3) + 1, half_close: bits & 4 != 0, ..Limits::default() };
    if bits & 8 != 0 {
        limits.head = HeadLimits { head: 256, start_line: 64, method: 8 };
        limits.fields = 6;
        limits.body = 48;
        limits.trailers = 32;
        limits.chunk_extensions = 16;
        limits.window = 16;
        limits.drain = 24;
        limits.interim = 2;
        limits.requests = 4;
    }
    limits.request_leniency = limits.request_leniency.bare_lf(bits & 16 != 0);
    limits.response_leniency = limits
        .response_leniency
        .bare_lf(bits & 16 != 0)
        .fold(bits & 32 != 0)
        .space_before_colon(bits & 64 != 0)
        .missing_reason(bits & 128 != 0);
    limits
}

/// What the application at a server does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Serve {
    Complete,
    Switch,
    Early,
    Mute,
}

/// A server that reads the input.
pub fn server(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 24);
    let limits = limits(&mut choices);
    let bits = choices.byte();
    let how = [Serve::Complete, Serve::Switch, Serve::Early, Serve::Mute][usize::from(bits & 3)];
    let close = bits & 4 != 0;
    let pieces = choices.pieces(payload);
    let serve = |pieces: &[&[u8]]| -> Seen {
        let mut machine = ServerConnection::new(limits.clone(), Instant::now());
        feed(&mut machine, pieces.iter().copied(), close, |machine, seen, step| {
            answer(machine, seen, step, how)
        })
    };
    let whole = serve(&[payload]);
    let mut cut = serve(&pieces);
    if how == Serve::Early && cut.finished && whole.finished {
        // The body that nobody wants is thrown away up to a limit; a fault behind it may go unseen.
        cut.error.clone_from(&whole.error);
        cut.resets.clone_from(&whole.resets);
    }
    same(cut, &whole);
    assert!(whole.error.is_none() || whole.finished, "open after an error");
    let body: usize = whole.messages.iter().map(|message| message.body.len()).sum();
    assert!(body + whole.tunnel.len() <= payload.len());
    are_responses(&whole, payload);
}

fn answer(machine: &mut ServerConnection, seen: &mut Seen, step: Step<'_, Event, Error>, how: Serve) {
    let tunnel = machine.is_tunnel();
    let Some(event) = seen.note(machine, tunnel, step) else { return };
    match event {
        Event::Head { stream, head: Head::Request(head), end } => {
            assert_eq!(stream.0, seen.messages.len() as u64, "streams are numbered in order");
            seen.messages.push(Message {
                start: format!("{} {:?} {:?}", head.method, head.target, head.version),
                fields: lines(&head.fields),
                complete: end,
                ..Message::default()
            });
            if how == Serve::Early {
                machine.stop_receiving(stream);
                respond(machine, stream, StatusCode::OK);
            } else if end {
                complete(machine, seen, stream, how);
            } else if machine.expects_continue(stream) && how != Serve::Mute {
                respond(machine, stream, StatusCode::CONTINUE);
            }
        }
        Event::Data { stream, .. } | Event::Trailers { stream, .. } => complete(machine, seen, stream, how),
        Event::Capacity { .. } => {}
        event => panic!("a server has no {event:?}"),
    }
}

fn complete(machine: &mut ServerConnection, seen: &Seen, stream: StreamId, how: Serve) {
    let connect = seen.messages.last().is_some_and(|message| message.start.starts_with("CONNECT "));
    match how {
        Serve::Switch if connect => {
            let head = Head::Response(ResponseHead::new(StatusCode::OK));
            machine.send_head(stream, head, false).expect("a tunnel may open");
        }
        Serve::Switch => {
            let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
            head.fields.push(FieldId::UPGRADE, "test").expect("valid");
            if machine.send_head(stream, Head::Response(head), false).is_err() {
                respond(machine, stream, StatusCode::OK);
            }
        }
        Serve::Complete if connect => respond(machine, stream, StatusCode::NOT_IMPLEMENTED),
        Serve::Complete => respond(machine, stream, StatusCode::OK),
        Serve::Early | Serve::Mute => {}
    }
}

/// The answer may come too late, when the client has gone; nothing else may be wrong with it.
fn respond(machine: &mut ServerConnection, stream: StreamId, status: StatusCode) {
    let head = Head::Response(ResponseHead::new(status));
    if let Err(error) = machine.send_head(stream, head, true) {
        assert!(
            matches!(
                error,
                wirelace_http_semantics::SendError::Closed | wirelace_http_semantics::SendError::Blocked
            ),
            "{status}: {error}"
        );
    }
}

/// The output is responses and nothing else, each as strict as we read them.
fn are_responses(seen: &Seen, input: &[u8]) {
    let mut rest = seen.output.as_slice();
    let switched = seen.messages.last().is_some_and(|message| message.start.starts_with("CONNECT "));
    while !rest.is_empty() {
        let mut fields = [FieldLine::default(); 32];
        let head = match parse_response(rest, &mut fields, ResponseLeniency::STRICT) {
            Ok(Status::Complete(head)) => head,
            other => panic!("not a response: {other:?} in {:?}", seen.output.escape_ascii().to_string()),
        };
        let length = head.fields.iter().find(|field| field.name.eq_ignore_ascii_case(b"content-length"));
        let length = length.and_then(|field| wirelace_wire::number::parse_decimal(field.value)).unwrap_or(0);
        let bodiless = head.status < 200 || matches!(head.status, 204 | 304);
        let end = head.len + if bodiless { 0 } else { usize::try_from(length).expect("small") };
        // The answer to HEAD, a bad one too, has no body whatever its length says (RFC 9110 §9.3.2).
        let only_head = rest.len() == head.len && input.windows(4).any(|word| word == b"HEAD");
        assert!(end <= rest.len() || switched || only_head, "a response is cut");
        rest = rest.get(end..).unwrap_or_default();
    }
}

/// A client that has sent some requests and reads the input.
pub fn client(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 24);
    let limits = Limits { in_flight: 8, ..limits(&mut choices) };
    let bits = choices.byte();
    let close = bits & 1 != 0;
    let requests: Vec<RequestHead> = match bits >> 1 & 7 {
        0 => vec![request("CONNECT", "a:1")],
        1 => vec![upgrade()],
        2 => vec![request("HEAD", "/"), request("GET", "/")],
        3 => vec![request("GET", "/"), request("HEAD", "/"), request("POST", "/")],
        4 => vec![request("GET", "/"); 8],
        _ => vec![request("GET", "/")],
    };
    let pieces = choices.pieces(payload);
    let read = |pieces: &[&[u8]]| -> Seen {
        let mut machine = ClientConnection::new(limits.clone(), Instant::now());
        for head in &requests {
            machine.send_request(head.clone(), true).expect("a good request is sent");
        }
        machine.output().clear();
        feed(&mut machine, pieces.iter().copied(), close, receive)
    };
    let whole = read(&[payload]);
    same(read(&pieces), &whole);
    assert!(whole.error.is_none() || whole.finished, "open after an error");
    assert!(whole.messages.len() <= requests.len(), "a response that nobody asked for");
    assert!(whole.output.is_empty(), "the client said something by itself");
}

fn receive(machine: &mut ClientConnection, seen: &mut Seen, step: Step<'_, Event, Error>) {
    let tunnel = machine.is_tunnel();
    let Some(event) = seen.note(machine, tunnel, step) else { return };
    let message = |head: &ResponseHead, complete| Message {
        start: format!("{:?} {} {:?}", head.version, head.status, head.reason),
        fields: lines(&head.fields),
        complete,
        ..Message::default()
    };
    match event {
        Event::Head { stream, head: Head::Response(head), end } => {
            assert_eq!(stream.0, seen.messages.len() as u64, "responses come in order");
            let complete = end || machine.is_tunnel();
            seen.messages.push(message(&head, complete));
        }
        Event::Informational { head, .. } => seen.interim.push(message(&head, true)),
        Event::Data { .. } | Event::Trailers { .. } | Event::Capacity { .. } => {}
        event => panic!("a client has no {event:?}"),
    }
}

fn request(method: &'static str, target: &'static str) -> RequestHead {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut head = RequestHead::new(method, Bytes::from_static(target.as_bytes())).expect("a target");
    head.fields.push(FieldId::HOST, "a").expect("valid");
    head
}

fn upgrade() -> RequestHead {
    let mut head = request("GET", "/");
    head.fields.push(FieldId::CONNECTION, "upgrade").expect("valid");
    head.fields.push(FieldId::UPGRADE, "test").expect("valid");
    head
}
