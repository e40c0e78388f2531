//! `wirelace decode http2` and `hpack`: trees against golden files, and the first wrong byte.

mod common;

use common::run;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Every type, with padding and a block in two parts.
fn conversation() -> Vec<u8> {
    [
        PREFACE.to_vec(),
        frame(4, 0, 0, b"\0\x02\0\0\0\0\0\x04\0\0\x10\0\xab\xcd\0\0\0\x01"),
        frame(4, 1, 0, b""),
        frame(
            1,
            0x2d,
            1,
            b"\x02\x80\0\0\x03\x0f\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\0\0",
        ),
        frame(1, 1, 3, b"\x82\x86\x84\xbe\x10\x01"),
        frame(9, 4, 3, b"x\x03yes"),
        frame(0, 9, 3, b"\x03hello\0\0\0"),
        frame(0, 8, 1, b"\x02hello\0\x01"),
        frame(0, 0, 1, b""),
        frame(2, 0, 5, b"\0\0\0\x03\x05"),
        frame(3, 0, 3, b"\0\0\0\x08"),
        frame(5, 0x0c, 1, b"\x01\0\0\0\x02\x82\x84\0"),
        frame(6, 1, 0, b"12345678"),
        frame(8, 0, 0, b"\0\0\x01\0"),
        frame(10, 0, 0, b"\0\x01ah3=\":443\""),
        frame(10, 0, 3, b"\0\x01aclear"),
        frame(12, 0, 0, b"\0\x01a\0\x01b"),
        frame(12, 1, 0, b"\0\x01c"),
        frame(16, 0, 0, b"\0\0\0\x05u=0, i"),
        frame(16, 0, 0, b"\0\0\0\x05(("),
        frame(0xee, 7, 9, b"??"),
        frame(7, 0, 0, b"\0\0\0\x01\0\0\0\x0bcalm"),
    ]
    .concat()
}

/// Each representation of RFC 7541 §6, the first behind two size updates; the table has room for one.
const BLOCK: &[u8] = b"\x20\x3f\x29\x82\x40\x0acustom-key\x0dcustom-header\xbe\x04\x0c/sample/path\
\x10\x08password\x06secret\x0f\x0d\x02\x31\x33\x5c\x02\x34\x32";

/// A field `n` whose value has 4,040 octets.
const LONG_FIELD: &[u8] = b"\x40\x01n\x7f\xc9\x1e";

fn golden(name: &str, kind: &str, input: &[u8]) {
    let output = run(&["decode", kind], input);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let found = String::from_utf8(output.stdout).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{name}");
}

#[test]
fn frames_of_every_type() {
    golden("http2.txt", "http2", &conversation());
}

#[test]
fn fields_in_every_representation() {
    golden("hpack.txt", "hpack", BLOCK);
}

#[test]
fn hex_and_nothing() {
    let hex: String = BLOCK.iter().map(|byte| format!("{byte:02x}")).collect();
    let piped = run(&["decode", "hpack"], BLOCK).stdout;
    assert!(piped.len() > 300);
    assert_eq!(run(&["decode", "hpack", "--hex"], hex.as_bytes()).stdout, piped);
    for kind in ["http2", "hpack"] {
        let nothing = run(&["decode", kind], b"");
        assert_eq!((nothing.status.code(), nothing.stdout, nothing.stderr), (Some(0), vec![], vec![]));
    }
}

#[test]
fn the_first_wrong_byte_ends_it() {
    let part = frame(1, 0, 1, b"\x82");
    for (kind, input, error) in [
        ("http2", b"PRI * HTTP/1.1\r\n".to_vec(), "byte 11 (0xb), `1`: expected the preface of a client"),
        ("http2", vec![0, 0, 0, 6], "byte 4 (0x4), the end: the input ends within a frame header"),
        (
            "http2",
            frame(6, 0, 0, b"12345678")[..12].to_vec(),
            "byte 12 (0xc), the end: the input ends within a frame, 5 octets",
        ),
        ("http2", frame(6, 0, 1, b"12345678"), "byte 9 (0x9), `1`: expected stream 0"),
        (
            "http2",
            frame(8, 0, 1, b"\0\0\0\0"),
            "byte 9 (0x9), `\\x00`: window increment of 0 (RFC 9113 §6.9) (PROTOCOL_ERROR)",
        ),
        ("http2", frame(9, 4, 1, b"x"), "byte 0 (0x0), `\\x00`: CONTINUATION that continues nothing"),
        (
            "http2",
            [part.clone(), frame(6, 0, 0, &[0; 8])].concat(),
            "byte 10 (0xa), `\\x00`: PING within the field block of stream 1",
        ),
        ("http2", part.clone(), "byte 10 (0xa), the end: the input ends within a field block of stream 1"),
        (
            "http2",
            [PREFACE.to_vec(), frame(6, 0, 0, &[0; 8])].concat(),
            "byte 27 (0x1b), `\\x06`: expected SETTINGS behind the preface (RFC 9113 §3.4)",
        ),
        (
            "http2",
            frame(4, 0, 0, b"\0\x05\0\0\x40\0\0\x02\0\0\0\x02"),
            "byte 17 (0x11), `\\x00`: SETTINGS_ENABLE_PUSH = 2, expected 0 or 1 (RFC 9113 §6.5.2) (PROTOCOL_ERROR)",
        ),
        (
            "http2",
            frame(4, 0, 0, b"\0\x04\x80\0\0\0"),
            "byte 11 (0xb), `\\x80`: SETTINGS_INITIAL_WINDOW_SIZE = 2147483648, expected at most 2147483647 \
             (RFC 9113 §6.5.2) (FLOW_CONTROL_ERROR)",
        ),
        (
            "http2",
            frame(4, 0, 0, b"\0\x05\0\0\x3f\xff"),
            "byte 11 (0xb), `\\x00`: SETTINGS_MAX_FRAME_SIZE = 16383, expected 16384 to 16777215",
        ),
        (
            "http2",
            frame(4, 0, 0, b"\0\x08\0\0\0\x02"),
            "byte 11 (0xb), `\\x00`: SETTINGS_ENABLE_CONNECT_PROTOCOL = 2, expected 0 or 1 (RFC 8441 §3)",
        ),
        (
            "http2",
            frame(4, 0, 0, b"\0\x09\0\0\0\x02"),
            "byte 11 (0xb), `\\x00`: SETTINGS_NO_RFC7540_PRIORITIES = 2, expected 0 or 1 (RFC 9218 §2.1)",
        ),
        (
            "http2",
            frame(4, 0, 0, b"\0\x02\0\0\0\0\0"),
            "byte 15 (0xf), `\\x00`: expected a multiple of 6 octets (RFC 9113 §6.5) (FRAME_SIZE_ERROR)",
        ),
        (
            "http2",
            frame(12, 0, 0, b"\0\x01a\0\x02b"),
            "byte 15 (0xf), the end: the frame ends within an origin (RFC 8336 §2)",
        ),
        (
            "http2",
            frame(0, 8, 1, b"\x04abc"),
            "byte 9 (0x9), `\\x04`: padding as long as the payload or longer (RFC 9113 §6.1) (PROTOCOL_ERROR)",
        ),
        // The second part is where it is wrong: an index beyond the tables.
        (
            "http2",
            [part, frame(9, 4, 1, b"\x84\xff\x80\x01")].concat(),
            "byte 20 (0x14), `\\xff`: index 255 is beyond",
        ),
        // A table that nobody made larger has 4,096 octets: what was evicted is gone.
        (
            "hpack",
            [LONG_FIELD, &[b'v'; 4040], b"\x40\x01m\x01v\xbf"].concat(),
            "byte 4051 (0xfd3), `\\xbf`: index 63 is beyond the 62 entries of both tables (RFC 7541 §2.3.3)",
        ),
        ("hpack", b"\x80".to_vec(), "byte 0 (0x0), `\\x80`: index 0 refers to nothing (RFC 7541 §6.1)"),
        (
            "hpack",
            b"\x20\x20\x20".to_vec(),
            "byte 2 (0x2), ` `: third table size update, two say everything (RFC 7541 §4.2)",
        ),
        (
            "hpack",
            b"\x3f\xe1\xff\x7f".to_vec(),
            "byte 0 (0x0), `?`: table size update to 2097152, more than 1048576 is not decoded (RFC 7541 §6.3)",
        ),
        (
            "hpack",
            b"\x82\x20".to_vec(),
            "byte 1 (0x1), ` `: table size update behind a field (RFC 7541 §4.2)",
        ),
        (
            "hpack",
            b"\x41\x05ab".to_vec(),
            "byte 4 (0x4), the end: the block ends within a string of 5 octets",
        ),
        (
            "hpack",
            b"\x41\x81\x00".to_vec(),
            "byte 2 (0x2), `\\x00`: padding that is not the beginning of EOS (RFC 7541 §5.2)",
        ),
        (
            "hpack",
            b"\x41\x82\x1f\xff".to_vec(),
            "byte 2 (0x2), `\\x1f`: more than 7 bits of padding (RFC 7541 §5.2)",
        ),
        (
            "hpack",
            b"\x41\x84\xff\xff\xff\xff".to_vec(),
            "byte 2 (0x2), `\\xff`: EOS inside a string (RFC 7541 §5.2)",
        ),
        (
            "hpack",
            b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            "byte 0 (0x0), `\\x7f`: integer too large",
        ),
    ] {
        let output = run(&["decode", kind], &input);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{kind}: {error}");
        assert!(
            text.starts_with(&format!("wirelace: {error}")) && text.lines().count() == 1,
            "{text} not {error}"
        );
        assert!(text.contains("RFC "), "{text}");
    }
}
