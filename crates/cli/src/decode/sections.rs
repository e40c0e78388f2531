//! Where the specifications define what a message is made of.

use wirelace::http1::head::HeadErrorKind;

/// The section that defines a field, by its name in any case; that of fields in general for others.
pub(super) fn of_field(name: &[u8]) -> &'static str {
    let name = name.to_ascii_lowercase();
    FIELDS.iter().find(|(known, _)| known.as_bytes() == name).map_or("RFC 9110 §5", |(_, section)| section)
}

/// The section that defines a method.
pub(super) fn of_method(method: &[u8]) -> &'static str {
    match method {
        b"GET" => "RFC 9110 §9.3.1",
        b"HEAD" => "RFC 9110 §9.3.2",
        b"POST" => "RFC 9110 §9.3.3",
        b"PUT" => "RFC 9110 §9.3.4",
        b"DELETE" => "RFC 9110 §9.3.5",
        b"CONNECT" => "RFC 9110 §9.3.6",
        b"OPTIONS" => "RFC 9110 §9.3.7",
        b"TRACE" => "RFC 9110 §9.3.8",
        b"PATCH" => "RFC 5789 §2",
        _ => "RFC 9110 §9.1",
    }
}

/// The section that defines a status code, or its class.
pub(super) fn of_status(status: u16) -> &'static str {
    match status {
        103 => "RFC 8297 §2",
        425 => "RFC 8470 §5.2",
        428 | 429 | 431 | 511 => "RFC 6585",
        100..=199 => "RFC 9110 §15.2",
        200..=299 => "RFC 9110 §15.3",
        300..=399 => "RFC 9110 §15.4",
        400..=499 => "RFC 9110 §15.5",
        500..=599 => "RFC 9110 §15.6",
        _ => "RFC 9110 §15",
    }
}

/// The section that has the rule which a head broke.
pub(super) fn of_rule(rule: HeadErrorKind) -> &'static str {
    match rule {
        HeadErrorKind::Method | HeadErrorKind::MethodTooLong => "RFC 9112 §3.1",
        HeadErrorKind::Target => "RFC 9112 §3.2",
        HeadErrorKind::Version | HeadErrorKind::UnsupportedVersion => "RFC 9112 §2.3",
        HeadErrorKind::StatusCode | HeadErrorKind::Reason => "RFC 9112 §4",
        HeadErrorKind::FieldName | HeadErrorKind::Colon => "RFC 9112 §5.1",
        HeadErrorKind::FieldValue => "RFC 9110 §5.5",
        HeadErrorKind::Fold => "RFC 9112 §5.2",
        _ => "RFC 9112 §2.2",
    }
}

const FIELDS: &[(&str, &str)] = &[
    ("accept", "RFC 9110 §12.5.1"),
    ("accept-charset", "RFC 9110 §12.5.2"),
    ("accept-encoding", "RFC 9110 §12.5.3"),
    ("accept-language", "RFC 9110 §12.5.4"),
    ("accept-ranges", "RFC 9110 §14.3"),
    ("access-control-allow-origin", "Fetch §3.3"),
    ("age", "RFC 9111 §5.1"),
    ("allow", "RFC 9110 §10.2.1"),
    ("alt-svc", "RFC 7838 §3"),
    ("authorization", "RFC 9110 §11.6.2"),
    ("cache-control", "RFC 9111 §5.2"),
    ("connection", "RFC 9110 §7.6.1"),
    ("content-disposition", "RFC 6266 §4"),
    ("content-encoding", "RFC 9110 §8.4"),
    ("content-language", "RFC 9110 §8.5"),
    ("content-length", "RFC 9110 §8.6"),
    ("content-location", "RFC 9110 §8.7"),
    ("content-range", "RFC 9110 §14.4"),
    ("content-type", "RFC 9110 §8.3"),
    ("cookie", "RFC 6265 §4.2"),
    ("date", "RFC 9110 §6.6.1"),
    ("early-data", "RFC 8470 §5.1"),
    ("etag", "RFC 9110 §8.8.3"),
    ("expect", "RFC 9110 §10.1.1"),
    ("expires", "RFC 9111 §5.3"),
    ("forwarded", "RFC 7239 §4"),
    ("from", "RFC 9110 §10.1.2"),
    ("host", "RFC 9110 §7.2"),
    ("if-match", "RFC 9110 §13.1.1"),
    ("if-modified-since", "RFC 9110 §13.1.3"),
    ("if-none-match", "RFC 9110 §13.1.2"),
    ("if-range", "RFC 9110 §13.1.5"),
    ("if-unmodified-since", "RFC 9110 §13.1.4"),
    ("keep-alive", "RFC 9112 §C.2.2"),
    ("last-modified", "RFC 9110 §8.8.2"),
    ("link", "RFC 8288 §3"),
    ("location", "RFC 9110 §10.2.2"),
    ("max-forwards", "RFC 9110 §7.6.2"),
    ("origin", "RFC 6454 §7"),
    ("pragma", "RFC 9111 §5.4"),
    ("priority", "RFC 9218 §5"),
    ("proxy-authenticate", "RFC 9110 §11.7.1"),
    ("proxy-authorization", "RFC 9110 §11.7.2"),
    ("range", "RFC 9110 §14.2"),
    ("referer", "RFC 9110 §10.1.3"),
    ("retry-after", "RFC 9110 §10.2.3"),
    ("sec-websocket-accept", "RFC 6455 §11.3.3"),
    ("sec-websocket-extensions", "RFC 6455 §11.3.2"),
    ("sec-websocket-key", "RFC 6455 §11.3.1"),
    ("sec-websocket-protocol", "RFC 6455 §11.3.4"),
    ("sec-websocket-version", "RFC 6455 §11.3.5"),
    ("server", "RFC 9110 §10.2.4"),
    ("set-cookie", "RFC 6265 §4.1"),
    ("strict-transport-security", "RFC 6797 §6.1"),
    ("te", "RFC 9110 §10.1.4"),
    ("trailer", "RFC 9110 §6.6.2"),
    ("transfer-encoding", "RFC 9112 §6.1"),
    ("upgrade", "RFC 9110 §7.8"),
    ("user-agent", "RFC 9110 §10.1.5"),
    ("vary", "RFC 9110 §12.5.5"),
    ("via", "RFC 9110 §7.6.3"),
    ("www-authenticate", "RFC 9110 §11.6.1"),
];
