//! The one place where a response's framing is settled, whatever the application said.

use std::time::Instant;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Body;
use wirelace_http_semantics::{FieldId, Fields, RequestHead};
use wirelace_wire::number::format_decimal;

use crate::date;
use crate::machine::ServerMachine;
use crate::response::Response;
use crate::response_body::ResponseBody;

/// What a response must know of its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) head: bool,
    pub(crate) connect: bool,
    /// The connection is HTTP/1.
    pub(crate) http1: bool,
}

impl Asked {
    pub(crate) fn of<M: ServerMachine>(head: &RequestHead, machine: &M) -> Asked {
        Asked {
            head: head.method == Method::HEAD,
            connect: head.method == Method::CONNECT,
            http1: machine.is_http1(),
        }
    }
}

/// Fields that the server adds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Additions {
    pub(crate) date: bool,
    pub(crate) server: Option<Bytes>,
    /// The value of Strict-Transport-Security.
    pub(crate) hsts: Option<Bytes>,
    /// The value of Alt-Svc.
    pub(crate) alt_svc: Option<Bytes>,
}

/// How a settled response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Head and body.
    Message,
    /// To HEAD: a head that announces a body of unknown length, which does not come.
    Announcement,
    /// A head; then the body and further input are the tunnel's.
    Tunnel,
}

/// What the fields of a response say already.
#[derive(Default)]
struct Present {
    length: bool,
    /// Fields that are about an HTTP/1 connection.
    specific: bool,
    date: bool,
    server: bool,
    hsts: bool,
    alt_svc: bool,
}

/// Fields about the connection, which are the machine's business: in HTTP/1 all but one are left to the application,
/// the others have none of them (RFC 9113 §8.2.2).
const SPECIFIC: [FieldId; 5] = [
    FieldId::TRANSFER_ENCODING,
    FieldId::CONNECTION,
    FieldId::KEEP_ALIVE,
    FieldId::PROXY_CONNECTION,
    FieldId::UPGRADE,
];

/// Makes a response ready for the machine.
pub(crate) fn settle(response: &mut Response, asked: Asked, additions: &Additions, now: Instant) -> Form {
    if response.head.is_interim() {
        // Interim responses go another way; the client would wait for ever.
        *response = Response::new(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let Response { head, body } = response;
    let mut present = Present::default();
    for field in head.fields.iter() {
        match field.id {
            FieldId::CONTENT_LENGTH => present.length = true,
            FieldId::TRANSFER_ENCODING
            | FieldId::CONNECTION
            | FieldId::KEEP_ALIVE
            | FieldId::PROXY_CONNECTION
            | FieldId::UPGRADE => present.specific = true,
            FieldId::DATE => present.date = true,
            FieldId::SERVER => present.server = true,
            FieldId::STRICT_TRANSPORT_SECURITY => present.hsts = true,
            FieldId::ALT_SVC => present.alt_svc = true,
            _ => {}
        }
    }
    if present.specific {
        let removed = if asked.http1 { 1 } else { SPECIFIC.len() };
        for name in SPECIFIC.iter().take(removed) {
            head.fields.remove(*name);
        }
    }
    if additions.date && !present.date {
        let _ = head.fields.push(FieldId::DATE, date::current(now));
    }
    if let Some(server) = additions.server.as_ref().filter(|_| !present.server) {
        let _ = head.fields.push(FieldId::SERVER, server);
    }
    if let Some(policy) = additions.hsts.as_ref().filter(|_| !present.hsts) {
        let _ = head.fields.push(FieldId::STRICT_TRANSPORT_SECURITY, policy);
    }
    if let Some(alternatives) = additions.alt_svc.as_ref().filter(|_| !present.alt_svc) {
        let _ = head.fields.push(FieldId::ALT_SVC, alternatives);
    }
    let status = head.status;
    let fields = &mut head.fields;
    if status == StatusCode::SWITCHING_PROTOCOLS || asked.connect && status.is_success() {
        set_length(fields, &present, None);
        return Form::Tunnel;
    }
    if asked.head || status == StatusCode::NOT_MODIFIED || status == StatusCode::NO_CONTENT {
        return settle_bodiless(response, asked, &present);
    }
    match body {
        // The machine knows the length of what it is given at once, and says so.
        ResponseBody::Empty | ResponseBody::Full(_) => set_length(fields, &present, None),
        ResponseBody::Stream(body) => set_length(fields, &present, body.size_hint().exact()),
    }
    Form::Message
}

/// Responses whose body, if they have one, is not sent.
fn settle_bodiless(response: &mut Response, asked: Asked, present: &Present) -> Form {
    let fields = &mut response.head.fields;
    let body = std::mem::take(&mut response.body);
    if response.head.status == StatusCode::NO_CONTENT {
        set_length(fields, present, None);
    } else if asked.head && response.head.status != StatusCode::NOT_MODIFIED && !present.length {
        // A length that was set stays: many applications drop the body of their answer to HEAD themselves.
        match exact_length(&body) {
            Some(0) => {}
            Some(length) => set_length(fields, present, Some(length)),
            // Announced as it would be for GET.
            None => return Form::Announcement,
        }
    }
    Form::Message
}

fn exact_length(body: &ResponseBody) -> Option<u64> {
    match body {
        ResponseBody::Empty => Some(0),
        ResponseBody::Full(data) => Some(data.len() as u64),
        ResponseBody::Stream(body) => body.size_hint().exact(),
    }
}

/// Content-Length as the body's real length has it; `None`: not known.
fn set_length(fields: &mut Fields, present: &Present, length: Option<u64>) {
    if present.length {
        fields.remove(FieldId::CONTENT_LENGTH);
    }
    if let Some(length) = length {
        let mut digits = [0; 20];
        let _ = fields.push(FieldId::CONTENT_LENGTH, format_decimal(length, &mut digits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_body::RequestBody;

    const GET: Asked = Asked { head: false, connect: false, http1: true };
    const HEAD: Asked = Asked { head: true, ..GET };

    fn settled(mut response: Response, asked: Asked) -> (Option<String>, Form, &'static str) {
        let form = settle(&mut response, asked, &Additions::default(), Instant::now());
        let kind = match response.body {
            ResponseBody::Empty => "nothing",
            ResponseBody::Full(_) => "full",
            ResponseBody::Stream(_) => "stream",
        };
        assert!(!response.head.fields.contains(FieldId::TRANSFER_ENCODING));
        (response.head.fields.get_str(FieldId::CONTENT_LENGTH).map(str::to_owned), form, kind)
    }

    fn lies(response: Response) -> Response {
        let response = response.with_field(FieldId::CONTENT_LENGTH, "99").unwrap();
        response.with_field(FieldId::TRANSFER_ENCODING, "chunked").unwrap()
    }

    fn unknown() -> ResponseBody {
        ResponseBody::channel(1).1
    }

    #[test]
    fn the_body_decides_about_the_length() {
        let message = |length: Option<&str>, kind| (length.map(str::to_owned), Form::Message, kind);
        // What is given at once is measured by the machine.
        assert_eq!(settled(lies(Response::from("hello")), GET), message(None, "full"));
        assert_eq!(settled(lies(Response::new(StatusCode::OK)), GET), message(None, "nothing"));
        let stream = |body| settled(lies(Response::new(StatusCode::OK).with_body(body)), GET);
        assert_eq!(stream(unknown()), message(None, "stream"));
        let sized = ResponseBody::stream(RequestBody::from(Bytes::from_static(b"hello")));
        assert_eq!(stream(sized), message(Some("5"), "stream"));
    }

    #[test]
    fn head_keeps_the_length_that_get_would_have() {
        let message = |length: Option<&str>| (length.map(str::to_owned), Form::Message, "nothing");
        assert_eq!(settled(Response::from("hello"), HEAD), message(Some("5")));
        assert_eq!(settled(lies(Response::new(StatusCode::OK)), HEAD), message(Some("99")));
        assert_eq!(settled(Response::new(StatusCode::OK), HEAD), message(None));
        let streamed = settled(Response::new(StatusCode::OK).with_body(unknown()), HEAD);
        assert_eq!(streamed, (None, Form::Announcement, "nothing"));
    }

    #[test]
    fn some_statuses_have_no_body() {
        let status = |status| lies(Response::new(status).with_body("dropped"));
        assert_eq!(settled(status(StatusCode::NO_CONTENT), GET), (None, Form::Message, "nothing"));
        let unchanged = settled(status(StatusCode::NOT_MODIFIED), GET);
        assert_eq!(unchanged, (Some("99".into()), Form::Message, "nothing"));
        assert_eq!(settled(status(StatusCode::SWITCHING_PROTOCOLS), GET), (None, Form::Tunnel, "full"));
        let connect = Asked { connect: true, ..GET };
        assert_eq!(settled(status(StatusCode::OK), connect), (None, Form::Tunnel, "full"));
        assert_eq!(settled(status(StatusCode::NOT_FOUND), connect), (None, Form::Message, "full"));
    }

    #[test]
    fn an_interim_status_is_no_response() {
        let mut response = Response::new(StatusCode::EARLY_HINTS);
        settle(&mut response, GET, &Additions::default(), Instant::now());
        assert_eq!(response.head.status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn date_and_server_are_added_once() {
        let server = Some(Bytes::from_static(b"wirelace"));
        let additions = Additions { date: true, server, ..Additions::default() };
        let mut response = Response::from("x").with_field(FieldId::SERVER, "mine").unwrap();
        settle(&mut response, GET, &additions, Instant::now());
        let fields = response.head.fields;
        assert_eq!(fields.get_all(FieldId::SERVER).collect::<Vec<_>>(), [b"mine"]);
        let date = fields.get(FieldId::DATE).unwrap();
        assert!(date.len() == 29 && date.ends_with(b" GMT"));
    }
}
