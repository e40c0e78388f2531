//! Credit that could get lost: every octet of DATA has to be given back once, whatever became of its stream.

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::attacker::Attacker;
use super::inbox::Came;
use super::victim::{CONNECTION, Victim};

const FRAME: usize = 16_384;
/// Several of the connection's first windows.
const ROUNDS: u32 = 40;

/// An upload of 1 MiB is received whole: the windows are as wide as ever.
fn uploads(attacker: &mut Attacker, stream: u32) {
    attacker.post(stream, "/upload");
    attacker.window_update(stream, 65_535);
    for at in 1..=64 {
        let flags = Flags::END_STREAM.when(at == 64);
        assert!(attacker.data_in_window(stream, flags, &[b'x'; FRAME]), "the connection ended at frame {at}");
    }
    let ends = |frame: &Came| frame.header.stream == stream && frame.header.flags.contains(Flags::END_STREAM);
    let answer = attacker.wait(ends).expect("an answer");
    let text = String::from_utf8(answer.payload).unwrap();
    assert!(text.contains("1048576"), "{text}");
}

#[test]
fn padding() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    attacker.post(1, "/upload");
    // One octet of data each; data must be among it, or it is a flood.
    let frame = [&[255][..], b"x", &[0; 255]].concat();
    for _ in 0..4_000 {
        assert!(attacker.data_in_window(1, Flags::PADDED, &frame));
    }
    uploads(&mut attacker, 3);
    victim.survived(CONNECTION, attacker.written);
}

#[test]
fn streams_that_are_reset() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[(SettingId::INITIAL_WINDOW_SIZE.0, 0)]);
    for round in 0..ROUNDS {
        // The answer has no window, so that not all is taken.
        attacker.post(2 * round + 1, "/echo");
        assert!(attacker.data_in_window(2 * round + 1, Flags::NONE, &[0; FRAME]));
        assert!(attacker.data_in_window(2 * round + 1, Flags::NONE, &[0; FRAME]));
        assert!(attacker.is_alive());
        attacker.reset(2 * round + 1);
    }
    uploads(&mut attacker, 2 * ROUNDS + 1);
    victim.survived(CONNECTION, attacker.written);
}

#[test]
fn data_that_comes_after_the_reset() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    for round in 0..ROUNDS {
        let stream = 2 * round + 1;
        // A length that is wrong: the server resets it, and more was under way.
        attacker.post(stream, "/upload");
        assert!(attacker.data_in_window(stream, Flags::NONE, b"x"));
        attacker.window_update(stream, 0);
        assert!(attacker.data_in_window(stream, Flags::END_STREAM, &[0; FRAME]));
    }
    uploads(&mut attacker, 2 * ROUNDS + 1);
    victim.survived(CONNECTION, attacker.written);
}

#[test]
fn bodies_that_are_refused() {
    let victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    for round in 0..ROUNDS {
        // GET does not read it, and 405 is said to POST.
        let stream = 2 * round + 1;
        attacker.post(stream, "/hello");
        assert!(attacker.data_in_window(stream, Flags::END_STREAM, &[0; FRAME]));
    }
    uploads(&mut attacker, 2 * ROUNDS + 1);
    victim.survived(CONNECTION, attacker.written);
}

/// What comes on streams that a leaving server does not take any more counts for the connection's window.
#[test]
fn data_for_a_server_that_leaves() {
    let mut victim = Victim::new();
    let mut attacker = Attacker::connect(victim.address(), &[]);
    attacker.post(1, "/upload");
    assert!(attacker.data_in_window(1, Flags::NONE, &[b'x'; FRAME]));
    assert!(attacker.is_alive());
    victim.leave();
    let last = |frame: &Came| frame.header.frame_type == FrameType::GOAWAY && frame.number(0) == 1;
    let goaway = attacker.wait(last).expect("GOAWAY with the last stream");
    assert_eq!(goaway.payload[4..8], ErrorCode::NO_ERROR.0.to_be_bytes());
    for round in 1..10 {
        attacker.post(2 * round + 1, "/upload");
        assert!(attacker.data_in_window(2 * round + 1, Flags::END_STREAM, &[0; FRAME]));
    }
    for at in 2..=64 {
        assert!(attacker.data_in_window(1, Flags::END_STREAM.when(at == 64), &[b'x'; FRAME]), "frame {at}");
    }
    let answer =
        attacker.wait(|frame| frame.header.stream == 1 && frame.header.flags.contains(Flags::END_STREAM));
    let text = String::from_utf8(answer.expect("an answer").payload).unwrap();
    assert!(text.contains("1048576"), "{text}");
    drop(attacker);
    victim.left();
}
