//! The one place where a response's framing is settled, whatever the application said.

use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use wirelace_http_semantics::{FieldId, Fields, ResponseHead};

use crate::date;
use crate::response::Response;
use crate::response_body::{BoxBody, ResponseBody};

/// What a response must know of its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) head: bool,
    pub(crate) connect: bool,
}

/// Fields that the server adds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Additions {
    pub(crate) date: bool,
    pub(crate) server: Option<Bytes>,
}

/// What follows the head.
pub(crate) enum Payload {
    Nothing,
    /// The whole body, whose length the machine announces.
    Whole(Bytes),
    Full(Bytes),
    Stream(BoxBody),
}

/// A response ready for the machine.
pub(crate) struct Framed {
    pub(crate) head: ResponseHead,
    pub(crate) payload: Payload,
    /// It opens a tunnel: payload and further input are the tunnel's.
    pub(crate) tunnel: bool,
}

/// What the fields of a response say already.
#[derive(Default)]
struct Present {
    length: bool,
    encoding: bool,
    date: bool,
    server: bool,
}

pub(crate) fn frame(response: Response, asked: Asked, additions: &Additions, now: Instant) -> Framed {
    let Response { mut head, body } = if response.head.is_interim() {
        // Interim responses go another way; the client would wait for ever.
        Response::new(StatusCode::INTERNAL_SERVER_ERROR)
    } else {
        response
    };
    let mut present = Present::default();
    for field in head.fields.iter() {
        match field.id {
            FieldId::CONTENT_LENGTH => present.length = true,
            FieldId::TRANSFER_ENCODING => present.encoding = true,
            FieldId::DATE => present.date = true,
            FieldId::SERVER => present.server = true,
            _ => {}
        }
    }
    if present.encoding {
        head.fields.remove(FieldId::TRANSFER_ENCODING); // The machine's business.
    }
    if additions.date && !present.date {
        let _ = head.fields.push(FieldId::DATE, date::current(now));
    }
    if let Some(server) = additions.server.as_ref().filter(|_| !present.server) {
        let _ = head.fields.push(FieldId::SERVER, server);
    }
    let status = head.status;
    let tunnel = status == StatusCode::SWITCHING_PROTOCOLS || asked.connect && status.is_success();
    let payload = if tunnel {
        set_length(&mut head.fields, &present, None);
        payload(body)
    } else if status == StatusCode::NO_CONTENT {
        set_length(&mut head.fields, &present, None);
        Payload::Nothing
    } else if status == StatusCode::NOT_MODIFIED {
        Payload::Nothing
    } else if asked.head {
        // A length that was set stays: many applications drop the body of their answer to HEAD themselves.
        match exact_length(&body) {
            _ if present.length => Payload::Nothing,
            Some(0) => Payload::Nothing,
            Some(length) => {
                set_length(&mut head.fields, &present, Some(length));
                Payload::Nothing
            }
            // Announced as it would be for GET.
            None => Payload::Full(Bytes::new()),
        }
    } else if let ResponseBody::Full(data) = body {
        set_length(&mut head.fields, &present, None);
        Payload::Whole(data)
    } else {
        // For an empty body the machine says so itself, where it is to be said.
        let length = exact_length(&body).filter(|_| !matches!(body, ResponseBody::Empty));
        set_length(&mut head.fields, &present, length);
        payload(body)
    };
    Framed { head, payload, tunnel }
}

fn payload(body: ResponseBody) -> Payload {
    match body {
        ResponseBody::Empty => Payload::Nothing,
        ResponseBody::Full(data) => Payload::Full(data),
        ResponseBody::Stream(body) => Payload::Stream(body),
    }
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
        let _ = fields.push(FieldId::CONTENT_LENGTH, decimal(length, &mut digits));
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Asked = Asked { head: false, connect: false };
    const HEAD: Asked = Asked { head: true, connect: false };

    fn framed(response: Response, asked: Asked) -> (Option<String>, &'static str) {
        let framed = frame(response, asked, &Additions::default(), Instant::now());
        let kind = match framed.payload {
            Payload::Nothing => "nothing",
            Payload::Whole(_) => "whole",
            Payload::Full(_) => "full",
            Payload::Stream(_) => "stream",
        };
        assert!(!framed.head.fields.contains(FieldId::TRANSFER_ENCODING));
        (framed.head.fields.get_str(FieldId::CONTENT_LENGTH).map(str::to_owned), kind)
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
        // The machine announces the length of a whole body.
        assert_eq!(framed(Response::from("hello"), GET), (None, "whole"));
        assert_eq!(framed(lies(Response::from("hello")), GET), (None, "whole"));
        assert_eq!(framed(lies(Response::new(StatusCode::OK)), GET), (None, "nothing"));
        assert_eq!(framed(lies(Response::new(StatusCode::OK).with_body(unknown())), GET), (None, "stream"));
    }

    #[test]
    fn head_keeps_the_length_that_get_would_have() {
        assert_eq!(framed(Response::from("hello"), HEAD), (Some("5".into()), "nothing"));
        assert_eq!(framed(lies(Response::new(StatusCode::OK)), HEAD), (Some("99".into()), "nothing"));
        assert_eq!(framed(Response::new(StatusCode::OK), HEAD), (None, "nothing"));
        assert_eq!(framed(Response::new(StatusCode::OK).with_body(unknown()), HEAD), (None, "full"));
    }

    #[test]
    fn some_statuses_have_no_body() {
        let status = |status| lies(Response::new(status).with_body("dropped"));
        assert_eq!(framed(status(StatusCode::NO_CONTENT), GET), (None, "nothing"));
        assert_eq!(framed(status(StatusCode::NOT_MODIFIED), GET), (Some("99".into()), "nothing"));
        assert_eq!(framed(status(StatusCode::SWITCHING_PROTOCOLS), GET), (None, "full"));
        let connect = Asked { head: false, connect: true };
        assert_eq!(framed(status(StatusCode::OK), connect), (None, "full"));
        assert_eq!(framed(status(StatusCode::NOT_FOUND), connect), (None, "whole"));
    }

    #[test]
    fn an_interim_status_is_no_response() {
        let response =
            frame(Response::new(StatusCode::EARLY_HINTS), GET, &Additions::default(), Instant::now());
        assert_eq!(response.head.status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn date_and_server_are_added_once() {
        let additions = Additions { date: true, server: Some(Bytes::from_static(b"wirelace")) };
        let response = Response::from("x").with_field(FieldId::SERVER, "mine").unwrap();
        let fields = frame(response, GET, &additions, Instant::now()).head.fields;
        assert_eq!(fields.get_all(FieldId::SERVER).collect::<Vec<_>>(), [b"mine"]);
        let date = fields.get(FieldId::DATE).unwrap();
        assert!(date.len() == 29 && date.ends_with(b" GMT"));
    }

    #[test]
    fn decimals() {
        for number in [0, 7, 10, 999, 1000, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }
}
