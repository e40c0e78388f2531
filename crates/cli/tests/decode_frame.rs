//! `wirelace decode frame`: trees against golden files, and the first wrong byte.

mod common;

use common::run;

/// Both directions of a connection in the base form.
const BASE: &[u8] = b"\x0a\x01\0\0\0\0\x0a\x01\0\0\0\x02hi\x0a\x02\0\0\0\x05hello\x0a\x03\0\0\0\x05HELLO\
\x0a\x09\0\0\0\x01?\x0a\x04\0\0\0\x0cunknown type";

/// A hello with the settings 1 and 4, and one of which nobody knows anything.
const HELLO: &[u8] = b"\x0a\x01\0\0\0\x12WLX\0\0\x0a\x14\x01\x01\x80\x10\0\0\x04\x40\x80\x3f\x2a";

/// The answer, with CRC32C, without settings.
const ANSWER: &[u8] = b"\x0a\x01\0\0\0\x08WLX\0\x01\x14\x14\x01";

/// CRC32C (Castagnoli, reflected), bit by bit: not what is tested.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    !sum
}

/// A frame of the extended form from what follows its header.
fn extended(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![20, kind];
    frame.extend((content.len() as u32).to_be_bytes());
    frame.extend(content);
    frame
}

/// The same with the checksum; the flag must be set.
fn checked(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = extended(kind, &[content, &[0; 4]].concat());
    let body = frame.len() - 4;
    let sum = crc32c(&frame[..body]).to_be_bytes();
    frame[body..].copy_from_slice(&sum);
    frame
}

/// Every type, with checksums as the hellos agree.
fn conversation() -> Vec<u8> {
    [
        HELLO.to_vec(),
        ANSWER.to_vec(),
        checked(0x02, b"\x06\x01\x47\xd0half a requ"),
        checked(0x05, b"\x03\x01est"),
        checked(0x06, b"\x02\0\x40\x40"),
        checked(0x03, b"\x03\x01answer"),
        checked(0x01, b"\x02\0ping"),
        checked(0x01, b"\x03\0ping"),
        checked(0x04, b"\x02\x03\x01it failed"),
        checked(0x07, b"\x02\x05\x08"),
        checked(0x09, b"\x02\0news"),
        checked(0x33, b"\x02\x01?"),
        checked(0x08, b"\x02\0\x05\x0cbye"),
    ]
    .concat()
}

fn golden(name: &str, input: &[u8]) {
    let output = run(&["decode", "frame"], input);
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
fn the_base_form() {
    golden("frame_base.txt", BASE);
}

#[test]
fn the_hello_and_the_extended_form() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    golden("frame_extended.txt", &conversation());
}

#[test]
fn hex_and_nothing() {
    let hex: String = BASE.iter().map(|byte| format!("{byte:02x} ")).collect();
    let piped = run(&["decode", "frame"], BASE).stdout;
    assert!(piped.len() > 500);
    assert_eq!(run(&["decode", "frame", "--hex", "-"], hex.as_bytes()).stdout, piped);
    let nothing = run(&["decode", "frame"], b"");
    assert_eq!((nothing.status.code(), nothing.stdout, nothing.stderr), (Some(0), Vec::new(), Vec::new()));
}

/// The frame after the hellos, where they agree on no checksum.
fn after_hellos(frame: &[u8]) -> Vec<u8> {
    let mut input = HELLO.to_vec();
    input.extend(b"\x0a\x01\0\0\0\x08WLX\0\x01\x14\x14\0");
    input.extend(frame);
    input
}

#[test]
fn the_first_wrong_byte_ends_it() {
    let mut flipped = checked(0x02, b"\x03\x01hello");
    flipped[9] ^= 1;
    for (input, error) in [
        (b"\x0b\x02\0\0\0\0".to_vec(), "byte 0 (0x0), `\\x0b`: version 11, expected 10 or 20"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "byte 0 (0x0), `G`: version 71, expected 10 or 20"),
        (
            [BASE, &extended(1, b"\0\0")].concat(),
            "byte 61 (0x3d), `\\x14`: version 20, expected 10 as in the frames before",
        ),
        (
            [&extended(1, b"\0\0"), BASE].concat(),
            "byte 8 (0x8), `\\n`: version 10, expected 20 as in the frames before",
        ),
        (
            b"\x0a\x02\xff\xff\xff\xffhello".to_vec(),
            "byte 11 (0xb), the end: the input ends within the frame, 4294967290 bytes before its end",
        ),
        (
            b"\x0a\x02\0".to_vec(),
            "byte 3 (0x3), the end: the input ends within the header, 3 bytes before its end",
        ),
        (b"\x0a\x04\0\0\0\x03ab\xff".to_vec(), "byte 8 (0x8), `\\xff`: the text of an error is not UTF-8"),
        ([BASE, HELLO].concat(), "byte 67 (0x43), `W`: a hello that is not the first frame"),
        ([ANSWER, ANSWER].concat(), "byte 20 (0x14), `W`: a hello that is not the first frame"),
        ([HELLO, HELLO, HELLO].concat(), "byte 54 (0x36), `W`: a hello that is not the first frame"),
        (b"\x0a\x01\0\0\0\x06WLX\0\0\x0a".to_vec(), "byte 12 (0xc), the end: hello: a field is cut"),
        (b"\x0a\x01\0\0\0\x08WLX\0\x02\x0a\x14\0".to_vec(), "byte 10 (0xa), `\\x02`: hello: unknown role"),
        (
            b"\x0a\x01\0\0\0\x0aWLX\0\0\x0a\x14\0\x01\x05".to_vec(),
            "byte 14 (0xe), `\\x01`: hello: a setting out of its range",
        ),
        (
            b"\x0a\x01\0\0\0\x0cWLX\0\0\x0a\x14\0\x05\x05\x05\x06".to_vec(),
            "byte 16 (0x10), `\\x05`: hello: a setting twice",
        ),
        (
            after_hellos(&checked(0x02, b"\x03\x01hello")),
            "byte 44 (0x2c), `\\x03`: a checksum, which the hellos do not agree on",
        ),
        (
            [HELLO, ANSWER, &extended(0x02, b"\x01\x01hello")].concat(),
            "byte 44 (0x2c), `\\x01`: no checksum, which the hellos agree on",
        ),
        (
            extended(0x05, b"\x04\x01hello"),
            "byte 6 (0x6), `\\x04`: flags 0x04, which this type does not have",
        ),
        (extended(0x05, b"\x01\0hello"), "byte 7 (0x7), `\\x00`: id 0, expected that of an exchange"),
        (extended(0x01, b"\0\x01"), "byte 7 (0x7), `\\x01`: id 1, expected 0, the connection"),
        (
            extended(0x06, b"\0\x01\x05\x06"),
            "byte 9 (0x9), `\\x06`: the content does not fit the frame's length",
        ),
        (extended(0x06, b"\0\x01\x45"), "byte 9 (0x9), the end: the content does not fit the frame's length"),
        (extended(0x04, b"\0\x01\x01ab\xff"), "byte 11 (0xb), `\\xff`: the text is not UTF-8"),
    ] {
        let output = run(&["decode", "frame"], &input);
        let found = String::from_utf8(output.stderr).unwrap();
        assert_eq!(found, format!("wirelace: {error}\n"), "{}", input.escape_ascii());
        assert_eq!(output.status.code(), Some(3), "{error}");
    }
    let output = run(&["decode", "frame"], &flipped);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("wirelace: byte 13 (0xd), ") && error.contains("that of the frame"), "{error}");
    // What stands before it is shown.
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("payload, 5 bytes: \"hdllo\"") && !shown.contains("CRC32C: "), "{shown}");
}

#[test]
fn cut_anywhere_it_says_so_or_ends_between_frames() {
    let input = conversation();
    let mut between = vec![0];
    while let Some(header) = input.get(between[between.len() - 1]..).and_then(|rest| rest.get(..6)) {
        let length = u32::from_be_bytes(header[2..].try_into().unwrap()) as usize;
        between.push(between[between.len() - 1] + 6 + length);
    }
    assert_eq!(between.last(), Some(&input.len()));
    // A process for each position would take long: all of the hello, and then every fifth.
    for cut in (0..HELLO.len() + 3).chain((0..input.len()).step_by(5)).chain(between.clone()) {
        let output = run(&["decode", "frame"], &input[..cut]);
        let error = String::from_utf8(output.stderr).unwrap();
        if between.contains(&cut) {
            assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "cut at {cut}");
        } else {
            assert_eq!(output.status.code(), Some(3), "cut at {cut}");
            assert!(
                error.contains(&format!("byte {cut} ")) && error.contains("the end: the input ends"),
                "{error}"
            );
        }
    }
}
