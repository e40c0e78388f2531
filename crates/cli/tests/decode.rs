//! `wirelace decode`: trees against golden files, and the first wrong byte.

mod common;

use common::{Scratch, run, run_text};

const CONVERSATION: &[u8] =
    b"POST /a?b HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\nX-Odd:  \xff\t\"q\" \r\n\r\n\
5;ext=\"a b\"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n\
HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\
\r\nHEAD http://a/ HTTP/1.0\r\n\r\n\
HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n\
CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\
HTTP/1.1 200 \r\nServer: x\r\n\r\n\x16\x03\x01";

/// `BLESS=1 cargo test -p wirelace-cli --test decode` writes what is found instead of comparing it.
fn golden(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found, wanted, "{name}");
}

#[test]
fn a_conversation() {
    let output = run(&["decode", "http1"], CONVERSATION);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stderr, b"");
    golden("conversation.txt", &String::from_utf8(output.stdout).unwrap());
}

#[test]
fn files_and_hex_give_the_same() {
    let scratch = Scratch::new("decode");
    let raw = scratch.write("raw", CONVERSATION);
    let hex: String = CONVERSATION.iter().map(|byte| format!("{byte:02x} ")).collect();
    let hex_file = scratch.write("hex", format!("# a conversation\n{hex}\n"));
    let piped = run(&["decode", "http1"], CONVERSATION).stdout;
    assert!(piped.len() > 1000);
    assert_eq!(run(&["decode", "http1", &raw], b"").stdout, piped);
    assert_eq!(run(&["decode", "http1", "--hex", &hex_file], b"").stdout, piped);
    assert_eq!(run(&["decode", "http1", "--hex", "-"], hex.as_bytes()).stdout, piped);
}

#[test]
fn the_first_wrong_byte_ends_it() {
    for (input, error) in [
        (
            "GET /a b HTTP/1.1\r\n\r\n",
            "byte 7 (0x7), `b`: expected HTTP/1.0 or HTTP/1.1 here (RFC 9112 §2.3)",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
            "byte 28 (0x1c), ` `: the field name must be followed directly by a colon (RFC 9112 §5.1)",
        ),
        ("GET / HTTP/1.1\r\n\r\n", "byte 0 (0x0), `G`: HTTP/1.1 request without Host (RFC 9112 §3.2)"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "byte 25 (0x19), `H`: a second Host (RFC 9112 §3.2)",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "byte 22 (0x16), `a`: Host is not `host[:port]` (RFC 9110 §7.2)",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "byte 64 (0x40), `c`: Content-Length and Transfer-Encoding together (RFC 9112 §6.1)",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
            "byte 42 (0x2a), `+`: Content-Length is not a decimal number below 2^64 (RFC 9110 §8.6)",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\n",
            "byte 55 (0x37), `X`: chunk data must be followed by CRLF (RFC 9112 §7.1)",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
            "byte 55 (0x37), the end: the input ends within a chunk, 4 bytes before its end (RFC 9112 §7.1)",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
            "byte 56 (0x38), the end: the input ends within the trailer section (RFC 9112 §7.1.2)",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "byte 42 (0x2a), the end: the input ends within the body, 7 bytes before its end (RFC 9112 §6.3)",
        ),
        (
            "HTTP/1.1 200 OK\r\nConte",
            "byte 22 (0x16), the end: the input ends within the head (RFC 9112 §2.1)",
        ),
        (
            "\u{feff}GET / HTTP/1.1\r\n\r\n",
            "byte 0 (0x0), `\\xef`: the method must be a token followed by one space (RFC 9112 §3.1)",
        ),
    ] {
        let output = run(&["decode", "http1"], input.as_bytes());
        assert_eq!(output.status.code(), Some(3), "{input:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("wirelace: {error}\n"), "{input:?}");
    }
}

#[test]
fn cut_anywhere_it_says_so_or_ends_between_messages() {
    for cut in 0..CONVERSATION.len() {
        // One process for each position would take long: every seventh, and all around the chunks.
        if cut % 7 != 0 && !(85..135).contains(&cut) {
            continue;
        }
        let output = run(&["decode", "http1"], &CONVERSATION[..cut]);
        match output.status.code() {
            Some(0) => assert_eq!(output.stderr, b""),
            code => {
                assert_eq!(code, Some(3), "cut at {cut}");
                let error = String::from_utf8(output.stderr).unwrap();
                assert!(
                    error.contains(&format!("byte {cut} ")) && error.contains("the end: the input ends"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn wrong_usage() {
    for arguments in [
        &["decode"][..],
        &["decode", "http9"],
        &["decode", "http1", "/no/such/file"],
        &["decode", "http1", "--what"],
    ] {
        assert_eq!(run_text(arguments).0, Some(2), "{arguments:?}");
    }
    let output = run(&["decode", "http1", "--hex"], b"4g");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"wirelace: not a pair of hex digits at offset 1\n");
}
