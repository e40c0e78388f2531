//! What the black-box suites share: data files, and applications that note what a machine tells them.
#![allow(dead_code, unreachable_pub)] // Each suite uses a part of it.

use std::path::PathBuf;
use std::time::Instant;

use base64::Engine as _;
use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine as _, Reason, RequestHead, ResponseHead, StreamId,
};
use wirelace_http1::{ClientConnection, Error, Limits, ServerConnection};
use wirelace_sim::{Step, every_split, feed};

/// A JSON file of the shared test data; `None`, loudly, when it is not there.
pub fn data(name: &str) -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var_os("WIRELACE_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("SKIPPED: {} is not there (set WIRELACE_TEST_DATA)", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).expect("test data is JSON"))
}

/// The bytes of a case.
pub fn input_of(case: &serde_json::Value) -> Vec<u8> {
    let text = case["input_base64"].as_str().expect("input_base64");
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

/// A message as the application saw it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Message {
    /// `GET /path HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub start: String,
    /// The host that a request asks for.
    pub authority: Option<String>,
    pub fields: Lines,
    pub body: Vec<u8>,
    pub trailers: Lines,
    pub complete: bool,
}

/// Names and values.
pub type Lines = Vec<(String, String)>;

/// All that an application saw of a connection.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Seen {
    pub messages: Vec<Message>,
    pub interim: Vec<Message>,
    /// Bytes after 101 or CONNECT.
    pub tunnel: Vec<u8>,
    pub resets: Vec<(u64, Reason)>,
    pub error: Option<Error>,
    /// What the machine wrote.
    pub output: String,
    pub finished: bool,
}

impl Seen {
    /// Complete messages.
    pub fn complete(&self) -> usize {
        self.messages.iter().filter(|message| message.complete).count()
    }

    /// Statuses of the responses that were written.
    pub fn statuses(&self) -> Vec<u16> {
        let statuses = self.output.match_indices("HTTP/1.1 ");
        statuses
            .filter_map(|(at, found)| self.output.get(at + found.len()..)?.get(..3)?.parse().ok())
            .collect()
    }

    /// No message was complete, and the connection is over.
    #[track_caller]
    pub fn assert_refused(&self, input: &[u8]) {
        let text = input.escape_ascii();
        assert!(self.error.is_some(), "accepted: \"{text}\"\n{self:?}");
        assert_eq!(self.complete(), 0, "a message came through: \"{text}\"\n{self:?}");
        assert!(self.finished, "not closed: \"{text}\"\n{self:?}");
    }

    /// [`assert_refused`](Self::assert_refused), and the peer was told so with one of `statuses`.
    #[track_caller]
    pub fn assert_answered(&self, input: &[u8], statuses: &[u16]) {
        self.assert_refused(input);
        let text = input[..input.len().min(500)].escape_ascii();
        let [status] = self.statuses()[..] else { panic!("not one answer: \"{text}\"\n{self:?}") };
        assert!(statuses.contains(&status), "{status}: \"{text}\"\n{self:?}");
        assert!(self.output.contains("connection: close\r\n"), "{self:?}");
    }
}

pub fn lines(fields: &Fields) -> Lines {
    let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    fields.iter().map(|field| (text(field.name), text(field.value))).collect()
}

pub fn request_message(head: &RequestHead) -> Message {
    let target: String = head.target.iter().map(|&byte| char::from(byte)).collect();
    Message {
        start: format!("{} {target} {:?}", head.method, head.version),
        authority: head.authority().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        fields: lines(&head.fields),
        ..Message::default()
    }
}

pub fn response_message(head: &ResponseHead) -> Message {
    let reason = match &head.reason {
        Some(reason) => reason.iter().map(|&byte| char::from(byte)).collect(),
        None => head.status.canonical_reason().unwrap_or("").to_owned(),
    };
    Message {
        start: format!("{:?} {} {reason}", head.version, head.status.as_u16()),
        fields: lines(&head.fields),
        ..Message::default()
    }
}

/// What the application at a server does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Serve {
    /// Answers each request with 200 when it is complete; sends 100 where it is expected.
    Complete,
    /// Like `Complete`, but takes up offered upgrades and CONNECT.
    Switch,
    /// Answers 200 as soon as the head is there and wants no body.
    Early,
    /// Answers nothing.
    Mute,
}

/// Notes what a server machine says and answers.
pub fn serve(machine: &mut ServerConnection, seen: &mut Seen, step: Step<'_, Event, Error>, how: Serve) {
    let event = match step {
        Step::Event(event) => event,
        Step::Error(error) => {
            seen.error = Some(error);
            seen.finished = wirelace_wire::Machine::is_finished(machine);
            return;
        }
        Step::Output(bytes) => return seen.output.push_str(&String::from_utf8_lossy(bytes)),
        Step::End => return seen.finished = wirelace_wire::Machine::is_finished(machine),
    };
    match event {
        Event::Head { stream, head: Head::Request(head), end } => {
            assert_eq!(stream.0, seen.messages.len() as u64, "streams are numbered in order");
            seen.messages.push(Message { complete: end, ..request_message(&head) });
            if how == Serve::Early {
                machine.stop_receiving(stream);
                answer(machine, stream, StatusCode::OK, true);
            } else if end {
                complete(machine, seen, stream, how);
            } else if machine.expects_continue(stream) && how != Serve::Mute {
                answer(machine, stream, StatusCode::CONTINUE, true);
            }
        }
        Event::Data { stream, data, end } => {
            machine.consumed(stream, data.len());
            if machine.is_tunnel() {
                return seen.tunnel.extend_from_slice(&data);
            }
            let message = seen.messages.last_mut().expect("a head comes before data");
            assert!(!message.complete, "nothing comes after the end");
            message.body.extend_from_slice(&data);
            message.complete = end;
            if end {
                complete(machine, seen, stream, how);
            }
        }
        Event::Trailers { stream, fields } => {
            let message = seen.messages.last_mut().expect("a head comes before trailers");
            assert!(!message.complete, "nothing comes after the end");
            message.trailers = lines(&fields);
            message.complete = true;
            complete(machine, seen, stream, how);
        }
        Event::Reset { stream, reason } => seen.resets.push((stream.0, reason)),
        Event::Capacity { .. } => {}
        event => panic!("a server has no {event:?}"),
    }
}

fn complete(machine: &mut ServerConnection, seen: &Seen, stream: StreamId, how: Serve) {
    let request = seen.messages.last().expect("a request");
    let upgrade = request.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"));
    match how {
        Serve::Switch if request.start.starts_with("CONNECT ") => {
            answer(machine, stream, StatusCode::OK, false);
        }
        Serve::Switch if upgrade => {
            let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
            head.fields.push(FieldId::UPGRADE, "test").expect("valid");
            // Refused where Connection did not name it: then it was no offer.
            if machine.send_head(stream, Head::Response(head), false).is_err() {
                answer(machine, stream, StatusCode::OK, true);
            }
        }
        Serve::Complete if request.start.starts_with("CONNECT ") => {
            answer(machine, stream, StatusCode::NOT_IMPLEMENTED, true);
        }
        Serve::Complete | Serve::Switch => answer(machine, stream, StatusCode::OK, true),
        Serve::Early | Serve::Mute => {}
    }
}

#[track_caller]
pub fn answer(machine: &mut ServerConnection, stream: StreamId, status: StatusCode, end: bool) {
    let head = Head::Response(ResponseHead::new(status));
    machine.send_head(stream, head, end).unwrap_or_else(|error| panic!("{status} to {stream}: {error}"));
}

/// Feeds a server whole, then closes.
pub fn server_reads(input: &[u8], limits: &Limits, how: Serve) -> Seen {
    let mut machine = ServerConnection::new(limits.clone(), Instant::now());
    feed(&mut machine, [input], true, |machine, seen, step| serve(machine, seen, step, how))
}

/// Feeds a server in all splits, which must not matter, then closes.
#[track_caller]
pub fn server_reads_split(input: &[u8], limits: &Limits, how: Serve) -> Seen {
    let make = || ServerConnection::new(limits.clone(), Instant::now());
    every_split(input, true, make, |machine, seen, step| serve(machine, seen, step, how))
}

/// Notes what a client machine says.
pub fn receive(machine: &mut ClientConnection, seen: &mut Seen, step: Step<'_, Event, Error>) {
    let event = match step {
        Step::Event(event) => event,
        Step::Error(error) => {
            seen.error = Some(error);
            seen.finished = wirelace_wire::Machine::is_finished(machine);
            return;
        }
        Step::Output(bytes) => return seen.output.push_str(&String::from_utf8_lossy(bytes)),
        Step::End => return seen.finished = wirelace_wire::Machine::is_finished(machine),
    };
    match event {
        Event::Head { stream, head: Head::Response(head), end } => {
            assert_eq!(stream.0, seen.messages.len() as u64, "responses come in order");
            let complete = end || machine.is_tunnel();
            seen.messages.push(Message { complete, ..response_message(&head) });
        }
        Event::Informational { head, .. } => {
            seen.interim.push(Message { complete: true, ..response_message(&head) });
        }
        Event::Data { stream, data, end } => {
            machine.consumed(stream, data.len());
            if machine.is_tunnel() {
                return seen.tunnel.extend_from_slice(&data);
            }
            let message = seen.messages.last_mut().expect("a head comes before data");
            assert!(!message.complete, "nothing comes after the end");
            message.body.extend_from_slice(&data);
            message.complete = end;
        }
        Event::Trailers { fields, .. } => {
            let message = seen.messages.last_mut().expect("a head comes before trailers");
            assert!(!message.complete, "nothing comes after the end");
            message.trailers = lines(&fields);
            message.complete = true;
        }
        Event::Reset { stream, reason } => seen.resets.push((stream.0, reason)),
        Event::Capacity { .. } => {}
        event => panic!("a client has no {event:?}"),
    }
}

/// A request with Host.
pub fn request(method: &str, target: &str) -> RequestHead {
    let method = Method::from_bytes(method.as_bytes()).expect("method");
    let mut head = RequestHead::new(method, Bytes::copy_from_slice(target.as_bytes())).expect("target");
    head.fields.push(FieldId::HOST, "a").expect("valid");
    head
}

/// A client that has sent these requests, all without a body.
pub fn client_after(requests: &[RequestHead], limits: &Limits) -> ClientConnection {
    let mut machine = ClientConnection::new(limits.clone(), Instant::now());
    for head in requests {
        machine.send_request(head.clone(), true).expect("request is sent");
    }
    wirelace_wire::Machine::output(&mut machine).clear();
    machine
}

/// Feeds a client that has sent `requests`, then closes.
pub fn client_reads(requests: &[RequestHead], input: &[u8], limits: &Limits) -> Seen {
    feed(&mut client_after(requests, limits), [input], true, receive)
}

/// Feeds a client that has sent `requests` in all splits, which must not matter, then closes.
#[track_caller]
pub fn client_reads_split(requests: &[RequestHead], input: &[u8], limits: &Limits) -> Seen {
    every_split(input, true, || client_after(requests, limits), receive)
}

/// Limits that allow pipelining.
pub fn pipelining() -> Limits {
    Limits { in_flight: 16, ..Limits::default() }
}

/// An event in few words, for traces.
pub fn describe(event: &Event) -> String {
    match event {
        Event::Head { stream, head: Head::Request(head), end } => {
            format!("{stream}: {} {:?} end: {end}", head.method, head.target)
        }
        Event::Head { stream, head: Head::Response(head), end } => {
            format!("{stream}: {} end: {end}", head.status)
        }
        Event::Informational { stream, head } => format!("{stream}: {}", head.status),
        Event::Data { stream, data, end } => format!("{stream}: {} bytes end: {end}", data.len()),
        Event::Trailers { stream, fields } => format!("{stream}: {} trailers", fields.len()),
        event => format!("{event:?}"),
    }
}

/// What a smuggler wants to be read as a request.
pub const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// [`server_reads_split`] with an application that answers complete requests.
#[track_caller]
pub fn serve_split(input: &[u8]) -> Seen {
    server_reads_split(input, &pipelining(), Serve::Complete)
}

/// No split of the input lets a message through; the peer is told 400 or 501, and nothing behind is read.
#[track_caller]
pub fn refused(input: &[u8]) {
    let seen = serve_split(input);
    seen.assert_answered(input, &[400, 501]);
    assert!(seen.messages.iter().all(|message| !message.start.contains("smuggled")), "{seen:?}");
}

/// A POST with these field lines and, behind it, what a smuggler wants to be a request.
pub fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}{SMUGGLED}").into_bytes()
}
