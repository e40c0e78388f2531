//! Between the `http` crate's types and the heads that machines speak.

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Version, request, response};
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{FieldId, Fields, Priority, RequestHead, ResponseHead, SendError};

use crate::error::Error;

/// The protocol of an extended CONNECT (RFC 8441 §4), `websocket` for instance: put it into the extensions of a
/// request with the method CONNECT. Such a request has path and scheme as others do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(Box<str>);

impl Protocol {
    /// A protocol of this name.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Protocol {
        Protocol(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    /// `secure`: the scheme is https where nothing else is said.
    Http2 {
        secure: bool,
    },
}

/// The head for `parts`. Host is put in front from the URI when it is missing (RFC 9112 §3.2).
pub(crate) fn request_head(parts: &request::Parts, speaks: Speaks) -> Result<RequestHead, Error> {
    check_version(parts.version, speaks)?;
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    // User names do not go into Host (RFC 9110 §4.2.4).
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
    let protocol = parts.extensions.get::<Protocol>().filter(|_| parts.method == Method::CONNECT);
    let mut head = match protocol {
        // Written as any other: the machine knows by the protocol that there is a path.
        Some(protocol) => {
            let mut head = target_head(Method::GET, path(parts), host, parts, speaks)?;
            head.method = Method::CONNECT;
            head.protocol = Some(protocol.0.clone());
            head
        }
        None if parts.method == Method::CONNECT => {
            let target = authority.ok_or(Error::Target("CONNECT without host and port"))?;
            new_head(Method::CONNECT, target)?
        }
        None => target_head(parts.method.clone(), path(parts), host, parts, speaks)?,
    };
    head.version = parts.version;
    if !parts.headers.contains_key(http::header::HOST) {
        match host {
            Some(host) => head.fields.push(FieldId::HOST, host).map_err(SendError::from)?,
            None if parts.version == Version::HTTP_10 => {}
            None => return Err(Error::Target("neither the URI nor a Host field names the host")),
        }
    }
    head.fields.extend_from_header_map(&parts.headers).map_err(SendError::from)?;
    if let Some(priority) = parts.extensions.get::<Priority>()
        && *priority != Priority::default()
        && !head.fields.contains(FieldId::PRIORITY)
    {
        head.fields.push(FieldId::PRIORITY, priority.to_string()).map_err(SendError::from)?;
    }
    Ok(head)
}

fn check_version(version: Version, speaks: Speaks) -> Result<(), Error> {
    match (speaks, version) {
        (_, Version::HTTP_11)
        | (Speaks::Http1, Version::HTTP_10)
        | (Speaks::Http2 { .. }, Version::HTTP_2) => Ok(()),
        (Speaks::Http1, _) => Err(Error::Target("the version is neither HTTP/1.0 nor HTTP/1.1")),
        // `HTTP/1.1` is what a request has whose version nobody has set.
        (Speaks::Http2 { .. }, _) => Err(Error::Target("the version is neither HTTP/2 nor HTTP/1.1")),
    }
}

fn path(parts: &request::Parts) -> &str {
    match parts.uri.path_and_query().map_or("/", PathAndQuery::as_str) {
        "" => "/",
        path => path,
    }
}

/// HTTP/2 is told of a scheme that is not the connection's own.
fn target_head(
    method: Method,
    path: &str,
    host: Option<&str>,
    parts: &request::Parts,
    speaks: Speaks,
) -> Result<RequestHead, Error> {
    if let Speaks::Http2 { secure } = speaks
        && let (Some(scheme), Some(host)) = (parts.uri.scheme(), host)
        && *scheme != if secure { Scheme::HTTPS } else { Scheme::HTTP }
        && path.starts_with('/')
    {
        return new_head(method, &format!("{scheme}://{host}{path}"));
    }
    new_head(method, path)
}

fn new_head(method: Method, target: &str) -> Result<RequestHead, Error> {
    RequestHead::new(method, Bytes::copy_from_slice(target.as_bytes()))
        .map_err(|_| Error::Target("the target has none of the four forms (RFC 9112 §3.2)"))
}

/// Takes away what is of an HTTP/1 connection alone (RFC 9113 §8.2.2).
pub(crate) fn for_http2(head: &mut RequestHead) -> Result<(), Error> {
    head.version = Version::HTTP_2;
    let of_connection = |id| {
        matches!(
            id,
            FieldId::CONNECTION
                | FieldId::KEEP_ALIVE
                | FieldId::PROXY_CONNECTION
                | FieldId::TRANSFER_ENCODING
                | FieldId::UPGRADE
                | FieldId::HTTP2_SETTINGS
                | FieldId::TE
        )
    };
    if !head.fields.iter().any(|field| of_connection(field.id)) {
        return Ok(());
    }
    if head.fields.contains(FieldId::UPGRADE) {
        return Err(Error::Target(
            "Upgrade is of HTTP/1.1 (RFC 9113 §8.6): HTTP/2 has extended CONNECT (RFC 8441)",
        ));
    }
    if head.fields.list(FieldId::TRANSFER_ENCODING).any(|coding| !coding.eq_ignore_ascii_case(b"chunked")) {
        return Err(Error::Target("HTTP/2 has no transfer codings (RFC 9113 §8.1)"));
    }
    let trailers = head.fields.list_contains(FieldId::TE, "trailers");
    let named: Vec<Vec<u8>> = head.fields.list(FieldId::CONNECTION).map(<[u8]>::to_vec).collect();
    for name in &named {
        head.fields.remove(&name[..]);
    }
    for id in [
        FieldId::CONNECTION,
        FieldId::KEEP_ALIVE,
        FieldId::PROXY_CONNECTION,
        FieldId::TRANSFER_ENCODING,
        FieldId::HTTP2_SETTINGS,
        FieldId::TE,
    ] {
        head.fields.remove(id);
    }
    if trailers {
        head.fields.push(FieldId::TE, "trailers").map_err(SendError::from)?;
    }
    Ok(())
}

/// A request without body for the head of a promised one.
pub(crate) fn promised_request(head: &RequestHead, secure: bool) -> Option<http::Request<()>> {
    let target = std::str::from_utf8(&head.target).ok()?;
    let authority = head.authority().and_then(|authority| std::str::from_utf8(authority).ok());
    let uri = match (head.form, authority) {
        (TargetForm::Origin, Some(authority)) => {
            format!("{}://{authority}{target}", if secure { "https" } else { "http" })
        }
        _ => target.to_owned(),
    };
    let mut request = http::Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri.parse().ok()?;
    *request.version_mut() = head.version;
    *request.headers_mut() = head.fields.to_header_map();
    Some(request)
}

/// A response without body; the head itself goes into the extensions.
pub(crate) fn response_parts(head: ResponseHead) -> response::Parts {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = head.status;
    parts.version = head.version;
    parts.headers = head.fields.to_header_map();
    parts.extensions.insert(head);
    parts
}

/// Whom the request is for.
pub(crate) fn same_authority(promised: &Fields, authority: &[u8]) -> bool {
    promised.get(FieldId::HOST).is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: Speaks = Speaks::Http2 { secure: false };

    fn head(request: http::request::Builder, speaks: Speaks) -> Result<RequestHead, Error> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut head = request_head(&parts, speaks)?;
        if speaks != Speaks::Http1 {
            for_http2(&mut head)?;
        }
        Ok(head)
    }

    fn lines(head: &RequestHead) -> Vec<String> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        head.fields.iter().map(|field| format!("{}: {}", text(field.name), text(field.value))).collect()
    }

    #[test]
    fn targets() {
        for (uri, speaks, target) in [
            ("http://h/p?q", CLEAR, "/p?q"),
            ("http://h", CLEAR, "/"),
            ("https://h/p", CLEAR, "https://h/p"),
            ("https://u:p@h/p", CLEAR, "https://h/p"),
            ("https://h/p", Speaks::Http2 { secure: true }, "/p"),
            ("http://h/p", Speaks::Http2 { secure: true }, "http://h/p"),
            ("https://h/p", Speaks::Http1, "/p"),
        ] {
            let head = head(http::Request::get(uri), speaks).unwrap();
            assert_eq!((&head.target[..], &lines(&head)[0][..]), (target.as_bytes(), "host: h"), "{uri}");
        }
    }

    #[test]
    fn what_is_of_the_connection_stays_there() {
        let request = http::Request::get("http://h/")
            .header("connection", "close, X-Hop")
            .header("x-hop", "1")
            .header("keep-alive", "5")
            .header("te", "gzip, trailers")
            .header("transfer-encoding", "chunked")
            .header("x-end", "1");
        assert_eq!(lines(&head(request, CLEAR).unwrap()), ["host: h", "x-end: 1", "te: trailers"]);
        for (name, value) in [("upgrade", "websocket"), ("transfer-encoding", "gzip, chunked")] {
            let request = http::Request::get("http://h/").header(name, value);
            assert!(matches!(head(request, CLEAR), Err(Error::Target(_))), "{name}");
        }
    }

    #[test]
    fn versions() {
        for (version, one, two) in [
            (Version::HTTP_09, false, false),
            (Version::HTTP_10, true, false),
            (Version::HTTP_11, true, true),
            (Version::HTTP_2, false, true),
            (Version::HTTP_3, false, false),
        ] {
            let request = || http::Request::get("http://h/").version(version);
            assert_eq!(head(request(), Speaks::Http1).is_ok(), one, "{version:?}");
            assert_eq!(head(request(), CLEAR).is_ok(), two, "{version:?}");
        }
    }

    #[test]
    fn priorities_become_a_field() {
        for (priority, value) in [
            (Priority::default(), None),
            (Priority::new(0, false), Some("u=0")),
            (Priority::new(3, true), Some("i")),
            (Priority::new(7, true), Some("u=7, i")),
        ] {
            let given = head(http::Request::get("http://h/").extension(priority), CLEAR).unwrap();
            assert_eq!(given.fields.get_str(FieldId::PRIORITY), value);
        }
        let both =
            http::Request::get("http://h/").extension(Priority::new(0, false)).header("priority", "u=1");
        assert_eq!(head(both, CLEAR).unwrap().fields.get_str(FieldId::PRIORITY), Some("u=1"));
    }

    #[test]
    fn extended_connect_has_a_path() {
        let request = http::Request::connect("http://h/chat?x").extension(Protocol::new("websocket"));
        let head = head(request, CLEAR).unwrap();
        assert_eq!((&head.target[..], head.form), (&b"/chat?x"[..], TargetForm::Origin));
        assert_eq!((head.method, head.protocol.as_deref()), (Method::CONNECT, Some("websocket")));
    }
}
