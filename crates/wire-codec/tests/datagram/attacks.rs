//! Datagrams that no client sends.

use bytes::Bytes;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::datagram::{Checksum, ServerOptions};
use wirelace_wire_codec::extended::Frame;

use crate::wire::{
    Server, as_base_error, as_error, as_extended, base, encoded, extended, has_checksum, request,
};

#[test]
fn what_is_no_frame_of_the_base_form_is_told_so() {
    let mut server = Server::new();
    let frame = base(FrameType::REQUEST, b"hello");
    let wrong: [(Vec<u8>, &str); 9] = [
        (vec![], "a datagram without octets"),
        (vec![7], "version 7 at offset 0, expected 10 or 20"),
        (b"GET / HTTP/1.1\r\n".to_vec(), "version 71 at offset 0, expected 10 or 20"),
        (vec![10], "the frame is cut, 5 octets are missing"),
        (frame[..10].to_vec(), "the frame is cut, 1 octets are missing"),
        ([&frame[..], b"!"].concat(), "the frame's content does not fit its length at offset 11"),
        (base(FrameType::RESPONSE, b"hi").to_vec(), "unexpected frame: response (0x03)"),
        (base(FrameType(9), b"hi").to_vec(), "frame type 0x09 is unknown"),
        (vec![10, 2, 0xff, 0xff, 0xff, 0xff], "the frame is cut, 4294967295 octets are missing"),
    ];
    let count = wrong.len() as u64;
    for (datagram, text) in wrong {
        let answer = server.answer(datagram).unwrap();
        assert!(answer.len() <= 64);
        assert_eq!(as_base_error(&answer), text);
    }
    assert_eq!((server.machine.stats().wrong, server.event()), (count, None));
    server.is_empty();
}

#[test]
fn what_is_no_frame_of_the_extended_form_is_told_so() {
    let mut server = Server::new();
    let frame = request(7, b"hello");
    let protocol = ErrorCode::PROTOCOL;
    let part = Frame::Request { id: 7, end: false, timeout: None, payload: &b"hello"[..] };
    let go_away = Frame::GoAway { last: 7, code: ErrorCode(0), text: &b""[..] };
    let unknown = |kind| Frame::Unknown { kind: FrameType(kind), id: 7, payload: &b""[..] };
    let mut bad_checksum = encoded(Frame::Message { payload: b"hello" }, true).to_vec();
    bad_checksum[9] ^= 1;
    let wrong: [(Vec<u8>, u64, ErrorCode); 13] = [
        (vec![20], 0, protocol),
        (frame[..frame.len() - 1].to_vec(), 0, protocol),
        ([&frame[..], &frame[..]].concat(), 0, protocol),
        (request(0, b"hello").to_vec(), 0, protocol),
        (extended(part).to_vec(), 7, protocol),
        (extended(Frame::Response { id: 7, end: true, payload: b"" }).to_vec(), 7, protocol),
        (extended(Frame::Data { id: 7, end: true, payload: b"" }).to_vec(), 7, protocol),
        (extended(Frame::Credit { id: 7, bytes: 7 }).to_vec(), 7, protocol),
        (extended(go_away).to_vec(), 0, protocol),
        (extended(Frame::Ping { answer: false, payload: &[0; 65] }).to_vec(), 0, protocol),
        (extended(unknown(0xff)).to_vec(), 7, ErrorCode::UNKNOWN_TYPE),
        (bad_checksum, 0, ErrorCode::CHECKSUM),
        (vec![20, 2, 0xff, 0xff, 0xff, 0xff, 0, 7], 0, protocol),
    ];
    let count = wrong.len() as u64;
    for (datagram, id, code) in wrong {
        let checksum = datagram.len() > 6 && has_checksum(&datagram);
        let answer = server.answer(datagram.clone()).unwrap();
        let (found_id, found_code, text) = as_error(&answer);
        assert_eq!((found_id, found_code, has_checksum(&answer)), (id, code, checksum), "{datagram:?}");
        assert!(!text.is_empty());
    }
    assert_eq!((server.machine.stats().wrong, server.event()), (count, None));
    // What need not be understood is skipped.
    assert_eq!(server.answer(extended(unknown(0x7f))), None);
    assert_eq!(server.answer(extended(Frame::Cancel { id: 9, code: ErrorCode(0) })), None);
    assert_eq!(server.machine.stats().wrong, count);
    server.is_empty();
}

#[test]
fn an_error_is_never_answered() {
    let mut server = Server::new();
    let error = extended(Frame::Error { id: 7, code: ErrorCode::PROTOCOL, text: b"no" });
    let errors: [Vec<u8>; 10] = [
        base(FrameType::ERROR, b"no").to_vec(),
        base(FrameType::ERROR, &[0xff; 2000]).to_vec(),
        error.to_vec(),
        vec![10, 4],
        vec![20, 4],
        vec![7, 4],
        vec![10, 4, 0, 0, 0, 0, 0],
        error[..8].to_vec(),
        [&error[..], b"!"].concat(),
        extended(Frame::Error { id: 7, code: ErrorCode::PROTOCOL, text: b"\xff" }).to_vec(),
    ];
    for (count, datagram) in (1..).zip(errors) {
        assert_eq!(server.answer(datagram), None);
        assert_eq!((server.event(), server.machine.stats().wrong), (None, count));
    }
    // Two servers that are set upon each other are done soon.
    let mut other = Server::new();
    for datagram in [request(0, b""), base(FrameType::RESPONSE, b""), Bytes::from_static(b"hello")] {
        let answer = server.answer(datagram).unwrap();
        assert_eq!(other.answer(answer), None);
    }
}

#[test]
fn answers_to_what_is_no_request_are_not_longer_than_it() {
    let mut server = Server::new();
    for length in [0, 1, 5, 6, 7, 8, 63, 64, 65, 100, 1199, 1200, 1201, 5000, 65_507] {
        for start in
            [&[10, 2][..], &[10, 1], &[10, 3], &[20, 2], &[20, 1], &[20, 9], &[20, 0xff], &[7, 7], &[0]]
        {
            for fill in [0, 2, 0xff] {
                let mut datagram = vec![fill; length];
                for (at, octet) in datagram.iter_mut().zip(start) {
                    *at = *octet;
                }
                // Half of them with a length that is right.
                if length >= 6 && fill != 2 {
                    datagram[2..6].copy_from_slice(&(length as u32 - 6).to_be_bytes());
                }
                server.receive(datagram.into());
                for (_, answer) in server.sent() {
                    assert!(answer.len() <= length.max(64), "{length} {start:?}: {answer:?}");
                }
                while server.event().is_some() {}
            }
        }
    }
}

#[test]
fn a_datagram_above_the_limit_is_refused() {
    let mut server = Server::new();
    let text = "a datagram of 1201 octets, the limit is 1200";
    let answer = server.answer(base(FrameType::REQUEST, &[0; 1195])).unwrap();
    assert_eq!(as_base_error(&answer), text);
    // The caller can tell which of its requests it was.
    let answer = server.answer(request(7, &[0; 1193])).unwrap();
    assert_eq!(as_error(&answer), (7, ErrorCode::FRAME_TOO_LONG, text));
    let cut = request(7, &[0; 5000]).slice(..1201);
    assert_eq!(as_error(&server.answer(cut).unwrap()), (0, ErrorCode::FRAME_TOO_LONG, text));
    assert_eq!(server.event(), None);
    server.receive(request(7, &[0; 1192]));
    server.request();
}

#[test]
fn with_checksums_no_change_goes_unseen() {
    let mut server = Server::with(ServerOptions { checksum: Checksum::On, ..ServerOptions::default() });
    let right = encoded(Frame::Request { id: 7, end: true, timeout: Some(5000), payload: b"hello" }, true);
    let mut answers = 0;
    for bit in 0..right.len() * 8 {
        let mut flipped = right.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        server.receive(flipped.into());
        for (_, answer) in server.sent() {
            answers += 1;
            // No call may take it for its own answer.
            if answer[0] == 20 {
                assert!(has_checksum(&answer) && as_extended(&answer).id() == 0);
            }
        }
    }
    // All but what looks like an ERROR; other changes of the type do not make one.
    assert!(answers >= right.len() * 8 - 8, "{answers}");
    for version in 0..=u8::MAX {
        let mut changed = right.to_vec();
        changed[0] = version;
        if version != 20 {
            server.receive(changed.into());
        }
    }
    assert_eq!((server.event(), server.machine.stats().requests), (None, 0));
    server.sent();
    assert_eq!(server.answer(right), None);
    server.request();
    let answer = server.answer(base(FrameType::REQUEST, b"hello")).unwrap();
    assert!(as_base_error(&answer).starts_with("the base form is not taken here"));
    let answer = server.answer(request(8, b"hello")).unwrap();
    assert_eq!((as_error(&answer).0, has_checksum(&answer)), (0, true));
}
