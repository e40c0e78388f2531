//! Peers that ask, and never read the answers: the output stays small.

use bytes::Bytes;
use wirelace_wire::Machine as _;
use wirelace_wire_codec::ErrorCode;
use wirelace_wire_codec::base::FrameType;
use wirelace_wire_codec::extended::Frame;
use wirelace_wire_codec::session::{Error, Event, ExchangeId, Limits, Offer, Options};

use crate::peer::Peer;

/// Answers what there is; the number of answers.
fn answer(peer: &mut Peer, how: fn(&mut Peer, ExchangeId)) -> Result<usize, Error> {
    let mut answers = 0;
    while let Some(event) = peer.poll()? {
        if let Event::Request { id, .. } = event {
            how(peer, id);
            answers += 1;
        }
    }
    Ok(answers)
}

const HOW: [fn(&mut Peer, ExchangeId); 4] = [
    |peer, id| peer.session.respond(id, Bytes::new(), true).unwrap(),
    |peer, id| peer.session.respond_error(id, ErrorCode::APPLICATION, &"no".repeat(1000)).unwrap(),
    |peer, id| peer.session.cancel(id, ErrorCode::CANCELLED),
    |peer, id| {
        peer.session.respond(id, Bytes::new(), false).unwrap();
        peer.session.send_data(id, Bytes::new(), true).unwrap();
    },
];

#[test]
fn a_peer_that_cannot_know_of_a_free_place_takes_none() {
    for how in HOW {
        let mut peer = Peer::extended(Limits::default());
        for id in (1..20_000).step_by(2) {
            peer.request(id, true, b"");
        }
        assert_eq!(answer(&mut peer, how), Err(Error::TooManyExchanges(128)));
        let output = peer.session.output().len();
        assert!(output < 150_000, "{output}");
    }
}

#[test]
fn a_peer_that_reads_goes_on() {
    for how in HOW {
        let mut peer = Peer::extended(Limits::default());
        let ids: Vec<u64> = (1..20_000).step_by(2).collect();
        for batch in ids.chunks(128) {
            for id in batch {
                peer.request(*id, true, b"");
            }
            assert_eq!(answer(&mut peer, how), Ok(batch.len()));
            peer.sent();
        }
    }
}

#[test]
fn a_place_that_is_given_up_is_free_and_its_answer_is_not() {
    let limits = Limits { small: (u32::MAX, u32::MAX), ..Limits::default() };
    for how in HOW {
        let mut peer = Peer::extended(limits.clone());
        for id in (1..100_000).step_by(2) {
            peer.request(id, true, b"");
            assert!(answer(&mut peer, how).is_ok());
            if !peer.session.wants_input() {
                break;
            }
            peer.frame(Frame::Cancel { id, code: ErrorCode::CANCELLED });
        }
        assert!(!peer.session.wants_input());
        // 64 KiB of last frames, and at most as much of the empty first ones.
        let output = peer.session.output().len();
        assert!(output < 140_000, "{output}");
        peer.sent();
        assert!(peer.session.wants_input());
    }
}

#[test]
fn a_base_peer_that_reads_nothing_is_not_read_either() {
    let mut peer = Peer::acceptor(Options { form: Offer::Base, ..Options::default() });
    for _ in 0..20_000 {
        peer.base(FrameType::REQUEST, b"");
    }
    let refuse = HOW[1];
    let mut answers = answer(&mut peer, refuse).unwrap();
    while answers < 20_000 {
        assert!(!peer.session.wants_input());
        let output = peer.session.output().len();
        assert!(output < 260 * 1024, "{output}");
        peer.sent();
        let more = answer(&mut peer, refuse).unwrap();
        assert!(more > 0);
        answers += more;
    }
}
