//! Field blocks that are cheap to send and dear to have (RFC 9113 §10.5.1, RFC 7541 §7.3).

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::attacker::{Attacker, End, field, request};
use super::victim::{QUIET, Victim};

const HELD: &[(u16, u32)] = &[(SettingId::INITIAL_WINDOW_SIZE.0, 0)];

/// CVE-2024-27316 and others: a block that does not end.
#[test]
fn continuations_without_end() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(100_000, |attacker, round| match round {
        0 => attacker.frame(FrameType::HEADERS, Flags::END_STREAM, 1, &request("GET", "/hello")),
        _ => attacker.frame(FrameType::CONTINUATION, Flags::NONE, 1, &field(0, b"x", b"y")),
    });
    assert_eq!(end, End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM)));
    victim.survived(QUIET, attacker.written);
}

#[test]
fn continuations_without_fragment() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(100_000, |attacker, round| match round {
        0 => attacker.frame(FrameType::HEADERS, Flags::END_STREAM, 1, &request("GET", "/hello")),
        _ => attacker.frame(FrameType::CONTINUATION, Flags::NONE, 1, &[]),
    });
    assert_eq!(end, End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM)));
    victim.survived(QUIET, attacker.written);
}

/// One field of 2 GiB.
#[test]
fn a_field_without_end() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(10_000, |attacker, round| match round {
        0 => attacker.frame(
            FrameType::HEADERS,
            Flags::END_STREAM,
            1,
            &[0x00, 1, b'x', 0x7f, 0x80, 0xff, 0xff, 0xff, 0x07],
        ),
        _ => attacker.frame(FrameType::CONTINUATION, Flags::NONE, 1, &[b'x'; 16_384]),
    });
    assert!(
        matches!(end, End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM | ErrorCode::COMPRESSION_ERROR))),
        "{end:?}"
    );
    victim.survived(QUIET, attacker.written);
}

/// Many blocks that do not end, on a connection each.
#[test]
fn blocks_that_wait_for_their_end() {
    let victim = Victim::new();
    let waiting: Vec<Attacker> = (0..100)
        .map(|_| {
            let mut attacker = Attacker::connect(victim.address(), &[]);
            attacker.frame(FrameType::HEADERS, Flags::END_STREAM, 1, &[b'x'; 16_384]);
            attacker.frame(FrameType::CONTINUATION, Flags::NONE, 1, &[b'x'; 16_000]);
            attacker.write().unwrap();
            attacker
        })
        .collect();
    victim.survived(100 * 128 * 1024, 100 * 32 * 1024);
    drop(waiting);
}

/// CVE-2016-6581: one octet for 4,000 that are in the table, again and again.
#[test]
fn references_to_a_large_field() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(2_000, |attacker, round| {
        let large = match round {
            0 => field(0x40, b"x", &[b'y'; 4_000]),
            _ => Vec::new(),
        };
        let block = [request("GET", "/headers"), large, vec![0xbe; 12_000]].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
    });
    // Each is refused; some 46 MB of fields would be the first one alone.
    assert!(matches!(end, End::Taken | End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM))), "{end:?}");
    assert_eq!(attacker.count(FrameType::DATA), 0, "no such request reaches the application");
    victim.survived(QUIET, attacker.written);
}

/// CVE-2026-49975: references of one octet, held by streams whose answers have no window.
#[test]
fn references_that_are_held() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), HELD);
    let end = attacker.flood(128, |attacker, round| {
        // As many and as large as one request may have.
        let large = match round {
            0 => field(0x40, b"x", &[b'y'; 400]),
            _ => Vec::new(),
        };
        let block = [request("GET", "/headers"), large, vec![0xbe; 110]].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
    });
    assert_eq!(end, End::Taken);
    victim.survived(128 * 128 * 1024, attacker.written);
}

/// The same with cookies, which belong together and are no fields more (RFC 9113 §8.2.3).
#[test]
fn crumbs_of_cookies() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), HELD);
    let end = attacker.flood(400, |attacker, round| {
        let crumb = match round {
            0 => field(0x40, b"cookie", b"a=b"),
            _ => Vec::new(),
        };
        let block = [request("GET", "/headers"), crumb, vec![0xbe; 16_000]].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
    });
    assert!(matches!(end, End::Taken | End::Closed(Some(ErrorCode::ENHANCE_YOUR_CALM))), "{end:?}");
    victim.survived(QUIET, attacker.written);
}

/// CVE-2019-9516: names of no length, which some keep for ever.
#[test]
fn fields_without_name() {
    let victim = Victim::new();
    for _ in 0..200 {
        let mut attacker = Attacker::connect(victim.address(), &[]);
        let block = [request("GET", "/headers"), [0x00, 0x00, 0x00].repeat(100)].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 1, &block);
        assert!(attacker.is_refused(1), "a field without name is taken");
    }
    victim.survived(QUIET, 0);
}

/// Size updates belong before all fields, and two say all that there is to say (RFC 7541 §4.2).
#[test]
fn size_updates() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(2_000, |attacker, round| {
        // 0 and 4,096, in turns.
        let block = [[0x20, 0x3f, 0xe1, 0x1f].repeat(4_000), request("GET", "/hello")].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
    });
    assert!(matches!(end, End::Closed(_)), "{end:?}");
    victim.survived(QUIET, attacker.written);
}

/// One size update a block, each of which empties the table or fills it.
#[test]
fn tables_that_are_emptied_and_filled() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(1_000, |attacker, round| {
        let fill = [field(0x40, b"x", b"")].concat().repeat(100);
        let block = [vec![0x20, 0x3f, 0xe1, 0x1f], request("GET", "/hello"), fill].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
        if round % 100 == 99 {
            assert!(attacker.is_alive());
        }
    });
    assert_eq!(end, End::Taken);
    victim.survived(QUIET, attacker.written);
}

/// Huffman code of long values: five bits an octet at best.
#[test]
fn huffman_code_that_grows() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    let end = attacker.flood(400, |attacker, round| {
        // `0` in five bits each: 16,000 octets become 25,600.
        let value = [&[0x00, 1, b'x', 0xff, 0x81, 0x7c][..], &[0x00; 16_000]].concat();
        let block = [request("GET", "/hello"), value].concat();
        attacker.frame(FrameType::HEADERS, Flags(5), 2 * round + 1, &block);
        if round % 50 == 49 {
            assert!(attacker.is_alive());
        }
    });
    assert_eq!(end, End::Taken);
    victim.survived(QUIET, attacker.written);
}
