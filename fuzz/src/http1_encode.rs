//! `http1`'s encoder: whatever an application sends is one message at the other end, or refused.

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use std::time::Instant;
use wirelace_http_semantics::{
    Event, FieldId, Fields, Head, HttpMachine as _, RequestHead, ResponseHead, StreamId,
};
use wirelace_http1::{ClientConnection, Limits, ServerConnection};
use wirelace_wire::Machine;

/// Fields that the machines write, check or use themselves.
const FRAMING: &[FieldId] = &[
    FieldId::CONNECTION,
    FieldId::CONTENT_LENGTH,
    FieldId::EXPECT,
    FieldId::HOST,
    FieldId::TE,
    FieldId::TRAILER,
    FieldId::TRANSFER_ENCODING,
    FieldId::UPGRADE,
];

/// Lines of the input: first what starts the message, then fields as `name:value`, after an empty
/// line the body. LF ends a line, so CR may stand anywhere.
pub fn messages(data: &[u8]) {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &b""[..]),
    };
    let mut lines = head.split(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut fields = Fields::new();
    for line in lines {
        let mut parts = line.splitn(2, |&byte| byte == b':');
        let name = parts.next().unwrap_or_default();
        let Ok(name) = std::str::from_utf8(name) else { continue };
        // A refused field is simply not there.
        let _ = fields.push(name, parts.next().unwrap_or_default());
    }
    request(first, &fields, body);
    response(first, &fields, body);
}

fn request(first: &[u8], fields: &Fields, body: &[u8]) {
    let mut words = first.splitn(2, |&byte| byte == b' ');
    let Ok(method) = Method::from_bytes(words.next().unwrap_or_default()) else { return };
    let target = Bytes::copy_from_slice(words.next().unwrap_or_default());
    let Ok(mut head) = RequestHead::new(method.clone(), target.clone()) else { return };
    head.fields = fields.clone();
    if !fields.contains(FieldId::HOST) {
        head.fields.push(FieldId::HOST, "a").expect("valid");
    }
    let now = Instant::now();
    let mut client = ClientConnection::new(Limits::default(), now);
    let Ok(stream) = client.send_request(head, body.is_empty()) else {
        assert!(client.output().is_empty(), "refused, yet something was written");
        return;
    };
    let sent = body.is_empty() || client.send_data(stream, Bytes::copy_from_slice(body), true).is_ok();
    let limits = Limits { in_flight: 4, half_close: true, ..Limits::default() };
    let mut server = ServerConnection::new(limits, now);
    let seen = transfer(&mut client, &mut server, sent);
    assert!(seen.heads.len() <= 1, "one request became {}", seen.heads.len());
    let Some(Head::Request(head)) = seen.heads.first() else { return };
    assert_eq!((&head.method, &head.target), (&method, &target));
    same_fields(fields, &head.fields);
    if method != Method::CONNECT {
        assert!(if sent && seen.complete { seen.body == body } else { body.starts_with(&seen.body) });
    }
}

fn response(first: &[u8], fields: &Fields, body: &[u8]) {
    let code = first.get(..3).and_then(|digits| StatusCode::from_bytes(digits).ok());
    let Some(status) = code else { return };
    let now = Instant::now();
    let mut client = ClientConnection::new(Limits::default(), now);
    let mut head = RequestHead::new(Method::GET, "/").expect("a target");
    head.fields.push(FieldId::HOST, "a").expect("valid");
    client.send_request(head, true).expect("a good request is sent");
    let mut server = ServerConnection::new(Limits::default(), now);
    let asked = transfer(&mut client, &mut server, false);
    assert_eq!(asked.heads.len(), 1);

    let mut head = ResponseHead::new(status);
    head.reason = Some(first.get(4..).unwrap_or_default().into());
    head.fields = fields.clone();
    let stream = StreamId(0);
    if server.send_head(stream, Head::Response(head), body.is_empty()).is_err() {
        assert!(server.output().is_empty(), "refused, yet something was written");
        return;
    }
    let sent = body.is_empty() || server.send_data(stream, Bytes::copy_from_slice(body), true).is_ok();
    let seen = transfer(&mut server, &mut client, sent);
    assert!(seen.heads.len() + seen.interim <= 1, "one response became more");
    let Some(Head::Response(head)) = seen.heads.first() else { return };
    assert_eq!(head.status, status);
    same_fields(fields, &head.fields);
    // These have no body (RFC 9110 §15); one that is sent all the same goes nowhere.
    let bodiless = matches!(status.as_u16(), 204 | 205 | 304);
    let whole = sent && seen.complete && !bodiless;
    assert!(if whole { seen.body == body } else { body.starts_with(&seen.body) });
}

/// What came out at the other end.
#[derive(Debug, Default)]
struct Seen {
    heads: Vec<Head>,
    interim: usize,
    body: Vec<u8>,
    complete: bool,
}

/// Carries all output of one machine to the other, then perhaps its end.
fn transfer<F, T>(from: &mut F, to: &mut T, close: bool) -> Seen
where
    F: Machine,
    T: wirelace_http_semantics::HttpMachine,
{
    let now = Instant::now();
    let mut input = BytesMut::new();
    let chunks: Vec<u8> = from.output().chunks().flatten().copied().collect();
    from.output().advance(chunks.len());
    input.extend_from_slice(&chunks);
    let mut seen = Seen::default();
    let mut closed = !close;
    loop {
        match to.poll_event(now, &mut input) {
            Ok(Some(Event::Head { head, end, .. })) => {
                seen.heads.push(head);
                seen.complete = end;
            }
            Ok(Some(Event::Informational { .. })) => seen.interim += 1,
            Ok(Some(Event::Data { stream, data, end })) => {
                to.consumed(stream, data.len());
                seen.body.extend_from_slice(&data);
                seen.complete = end;
            }
            Ok(Some(_)) => {}
            Ok(None) if closed => return seen,
            Ok(None) => {
                to.input_closed(now);
                closed = true;
            }
            Err(_) => return seen,
        }
    }
}

/// All lines but those of framing arrive, in order and unchanged.
fn same_fields(sent: &Fields, received: &Fields) {
    let plain = |fields: &Fields| -> Vec<(Vec<u8>, Vec<u8>)> {
        let lines = fields.iter().filter(|field| !FRAMING.contains(&FieldId::of(field.name)));
        lines.map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec())).collect()
    };
    assert_eq!(plain(sent), plain(received));
}
