//! Single-byte mutants of many heads against httparse: nothing that it refuses is accepted here, and
//! what both accept they take apart alike. There are no exceptions.

mod head_support;

use head_support::{REQUESTS, RESPONSES, every_split, once};
use wirelace_http1::head::{
    FieldLine, HeadErrorKind, RequestLeniency, ResponseLeniency, Status, Version, parse_request,
    parse_response,
};

const REQUEST_HEADS: &[&str] = &[
    "GET / HTTP/1.0\r\nHost: example.com\r\nCookie: session=60; user_id=1\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\nHost: www.kittyhell.com\r\nUser-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: ja,en-us;q=0.7,en;q=0.3\r\nKeep-Alive: 115\r\nConnection: keep-alive\r\n\r\n",
    "POST /submit?x=%20y HTTP/1.1\r\nHost: a:8080\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: \r\nMax-Forwards:0\r\n\r\n",
    "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
    "M-SEARCH * HTTP/1.1\r\nST:\tssdp:all\t\r\nMAN: \"ssdp:discover\" \r\nMX:  3  \r\n\r\n",
    "PUT /a HTTP/1.1\r\nX-Value: caf\u{e9} \u{7ff}\r\nx_y.z~: 1\t2\r\n\r\n",
    "DELETE /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n",
    "GET /socket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
];

const RESPONSE_HEADS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nDate: Wed, 21 Oct 2015 07:28:00 GMT\r\nSet-Cookie: session=60; user_id=1\r\n\r\n",
    "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 204 \r\nETag: \"x\"\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 500 caf\u{e9} \t x\r\nX:\t\r\nY: \u{e9} \r\n\r\n",
    "HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.com/a%20b?c=d#e\r\nCache-Control: max-age=3600, public\r\nContent-Type: text/html; charset=utf-8\r\nVary: Accept-Encoding, Cookie\r\n\r\n",
];

/// Bytes that are inserted everywhere; replacement tries all 256.
const INSERTED: &[u8] = b"\0\t\n\r !\"(),/:;<=>?@[\\]{}A0-~\x01\x1f\x7f\x80\xff";

fn mutants(head: &[u8], mut check: impl FnMut(&[u8])) {
    let mut bytes = head.to_vec();
    check(&bytes);
    for at in 0..head.len() {
        for byte in 0..=255 {
            bytes[at] = byte;
            check(&bytes);
        }
        bytes[at] = head[at];
    }
    for at in 0..head.len() {
        check(&[&head[..at], &head[at + 1..]].concat());
        for &byte in INSERTED {
            check(&[&head[..at], &[byte], &head[at..]].concat());
        }
        // One byte twice, as in CR CR LF.
        check(&[&head[..=at], &head[at..]].concat());
    }
}

fn same_fields(ours: &[FieldLine<'_>], theirs: &[httparse::Header<'_>], input: &[u8]) {
    let ours = ours.iter().map(|field| (field.name, field.value));
    let theirs = theirs.iter().map(|field| (field.name.as_bytes(), field.value));
    assert!(ours.eq(theirs), "{}", input.escape_ascii());
}

#[test]
fn requests() {
    let (mut accepted, mut stricter, mut refused) = (0, 0, 0);
    for head in REQUEST_HEADS {
        mutants(head.as_bytes(), |input| {
            let mut fields = [FieldLine::default(); 16];
            let ours = parse_request(input, &mut fields, RequestLeniency::STRICT);
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut theirs = httparse::Request::new(&mut headers);
            let status = theirs.parse(input);
            match (ours, status) {
                (Ok(Status::Complete(head)), Ok(httparse::Status::Complete(len))) => {
                    accepted += 1;
                    assert_eq!(head.len, len, "{}", input.escape_ascii());
                    assert_eq!(Some(head.method), theirs.method.map(str::as_bytes));
                    assert_eq!(Some(head.target), theirs.path.map(str::as_bytes));
                    assert_eq!(Some(u8::from(head.version == Version::Http11)), theirs.version);
                    same_fields(head.fields, theirs.headers, input);
                }
                (Ok(Status::Complete(_)), theirs) => {
                    panic!("accepted, but httparse says {theirs:?}: {}", input.escape_ascii())
                }
                // It may still be waiting where we know already; we may not where it knows.
                (Ok(Status::Partial), Ok(httparse::Status::Partial)) => {}
                (Ok(Status::Partial), theirs) => {
                    panic!("waiting, but httparse says {theirs:?}: {}", input.escape_ascii())
                }
                (Err(_), Ok(_)) => stricter += 1,
                (Err(_), Err(_)) => refused += 1,
            }
        });
    }
    // So that nobody shrinks the test to nothing.
    assert!(accepted > 100_000 && refused > 50_000 && stricter > 500, "{accepted} {refused} {stricter}");
}

#[test]
fn responses() {
    let (mut accepted, mut refused) = (0, 0);
    for head in RESPONSE_HEADS {
        mutants(head.as_bytes(), |input| {
            let mut fields = [FieldLine::default(); 16];
            let ours = parse_response(input, &mut fields, ResponseLeniency::STRICT);
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut theirs = httparse::Response::new(&mut headers);
            let status = theirs.parse(input);
            match (ours, status) {
                (Ok(Status::Complete(head)), Ok(httparse::Status::Complete(len))) => {
                    accepted += 1;
                    assert_eq!(head.len, len, "{}", input.escape_ascii());
                    assert_eq!(Some(head.status), theirs.code);
                    assert_eq!(Some(u8::from(head.version == Version::Http11)), theirs.version);
                    // httparse gives no reason that is not ASCII.
                    let reason = if head.reason.is_ascii() { head.reason } else { b"" };
                    assert_eq!(Some(reason), theirs.reason.map(str::as_bytes), "{}", input.escape_ascii());
                    same_fields(head.fields, theirs.headers, input);
                }
                (Ok(Status::Complete(_)), theirs) => {
                    panic!("accepted, but httparse says {theirs:?}: {}", input.escape_ascii())
                }
                (Ok(Status::Partial), Ok(httparse::Status::Partial)) => {}
                (Ok(Status::Partial), theirs) => {
                    panic!("waiting, but httparse says {theirs:?}: {}", input.escape_ascii())
                }
                (Err(_), _) => refused += 1,
            }
        });
    }
    assert!(accepted > 50_000 && refused > 25_000, "{accepted} {refused}");
}

#[test]
fn every_proper_prefix_is_partial() {
    for head in REQUEST_HEADS {
        for cut in 0..head.len() {
            assert_eq!(once(&REQUESTS, &head.as_bytes()[..cut]).0, Ok(Status::Partial), "{head:?} to {cut}");
        }
        assert!(matches!(every_split(&REQUESTS, head.as_bytes()).0, Ok(Status::Complete(_))));
    }
    for head in RESPONSE_HEADS {
        for cut in 0..head.len() {
            assert_eq!(once(&RESPONSES, &head.as_bytes()[..cut]).0, Ok(Status::Partial), "{head:?} to {cut}");
        }
        assert!(matches!(every_split(&RESPONSES, head.as_bytes()).0, Ok(Status::Complete(_))));
    }
}

/// Which octets a target, a method, a name and a value may have, one by one.
#[test]
fn octet_classes() {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for byte in 0..=255u8 {
        let verdict = |before: &str, after: &str| {
            let input = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            once(&REQUESTS, &input).0.map(|_| ()).map_err(|error| error.kind)
        };
        assert_eq!(verdict("GE", "T / HTTP/1.1\r\n\r\n").is_ok(), tchar(byte), "{byte:#x}");
        assert_eq!(verdict("GET /", "b HTTP/1.1\r\n\r\n").is_ok(), byte.is_ascii_graphic(), "{byte:#x}");
        assert_eq!(verdict("GET / HTTP/1.1\r\na", "b: c\r\n\r\n").is_ok(), tchar(byte) || byte == b':');
        let value = matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        assert_eq!(verdict("GET / HTTP/1.1\r\na: b", "c\r\n\r\n").is_ok(), value, "{byte:#x}");
        if !value && byte != b'\r' && byte != b'\n' {
            let kind = verdict("GET / HTTP/1.1\r\na: b", "c\r\n\r\n").unwrap_err();
            assert_eq!(kind, HeadErrorKind::FieldValue);
        }
    }
}
