//! Between the `http` crate's types and the heads that machines speak.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Version, request, response};
use wirelace_http_semantics::{FieldId, Fields, RequestHead, ResponseHead, SendError};

use crate::error::Error;

/// The head for `parts`. Host is put in front from the URI when it is missing (RFC 9112 §3.2).
pub(crate) fn request_head(parts: &request::Parts) -> Result<RequestHead, Error> {
    if !matches!(parts.version, Version::HTTP_10 | Version::HTTP_11) {
        return Err(Error::Target("the version is neither HTTP/1.0 nor HTTP/1.1"));
    }
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let target = if parts.method == Method::CONNECT {
        authority.ok_or(Error::Target("CONNECT without host and port"))?
    } else {
        parts.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    };
    let mut head = RequestHead::new(parts.method.clone(), Bytes::copy_from_slice(target.as_bytes()))
        .map_err(|_| Error::Target("the target has none of the four forms (RFC 9112 §3.2)"))?;
    head.version = parts.version;
    if !parts.headers.contains_key(http::header::HOST) {
        match authority {
            Some(authority) => {
                // User names do not go into Host (RFC 9110 §4.2.4).
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                head.fields.push(FieldId::HOST, host).map_err(SendError::from)?;
            }
            None if parts.version == Version::HTTP_10 => {}
            None => return Err(Error::Target("neither the URI nor a Host field names the host")),
        }
    }
    for (name, value) in &parts.headers {
        let value = wirelace_wire::field::trim_ows(value.as_bytes());
        head.fields.push(name.as_str(), value).map_err(SendError::from)?;
    }
    Ok(head)
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

/// Trailers as a body hands them out.
pub(crate) fn trailers(fields: &Fields) -> HeaderMap {
    fields.to_header_map()
}
