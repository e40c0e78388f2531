use bytes::Bytes;
use wirelace_tls_glue::quic::Side;

use super::frames::{deliver, parse};
use super::pair::{ack, lose, pair, settle, write};
use crate::error::{TransportError, TransportErrorCode as Code};
use crate::sent_frame::SentFrame;
use crate::stream_id::{Direction, StreamId};
use crate::streams::{Chunk, ReadError, StreamEvent, StreamLimits, Streams, WriteError};

const BIDI: Direction = Direction::Bidirectional;
const UNI: Direction = Direction::Unidirectional;
/// The first streams of each kind.
const CLIENT_BIDI: StreamId = StreamId(0);
const SERVER_BIDI: StreamId = StreamId(1);
const CLIENT_UNI: StreamId = StreamId(2);
const SERVER_UNI: StreamId = StreamId(3);

fn limits() -> StreamLimits {
    StreamLimits {
        data_window: 150,
        max_data_window: 150,
        stream_window: 100,
        max_stream_window: 100,
        bidirectional_streams: 3,
        unidirectional_streams: 2,
        ..StreamLimits::default()
    }
}

fn server() -> Streams {
    let [_, server] = pair(&limits(), &limits());
    server
}

fn octets(count: usize) -> Bytes {
    Bytes::from(vec![1; count])
}

fn code<T>(result: Result<T, TransportError>) -> Option<Code> {
    result.err().map(|error| error.code)
}

fn events(streams: &mut Streams) -> Vec<StreamEvent> {
    core::iter::from_fn(|| streams.poll_event()).collect()
}

#[test]
fn data_behind_a_window() {
    let mut server = server();
    assert_eq!(code(server.on_stream(CLIENT_BIDI, 101, octets(0), false)), Some(Code::FLOW_CONTROL_ERROR));
    let mut server = super::rules::server();
    assert_eq!(code(server.on_stream(CLIENT_BIDI, 0, octets(101), false)), Some(Code::FLOW_CONTROL_ERROR));
    // h3spec 1.
    let mut server = super::rules::server();
    let far = (1 << 62) - 1;
    assert_eq!(code(server.on_stream(CLIENT_BIDI, far, octets(0), false)), Some(Code::FLOW_CONTROL_ERROR));
    assert_eq!(code(server.on_stream(CLIENT_BIDI, far, octets(1), false)), Some(Code::FLOW_CONTROL_ERROR));
    // All streams together; what comes twice counts once.
    let mut server = super::rules::server();
    for _ in 0..3 {
        assert_eq!(server.on_stream(CLIENT_BIDI, 50, octets(50), false), Ok(()));
    }
    assert_eq!(server.on_stream(CLIENT_UNI, 0, octets(50), false), Ok(()));
    assert_eq!(code(server.on_stream(CLIENT_UNI, 50, octets(1), false)), Some(Code::FLOW_CONTROL_ERROR));
    // A reset counts as what it says was sent.
    let mut server = super::rules::server();
    assert_eq!(code(server.on_reset_stream(CLIENT_BIDI, 0, 101)), Some(Code::FLOW_CONTROL_ERROR));
    let mut server = super::rules::server();
    assert_eq!(server.on_stream(CLIENT_BIDI, 0, octets(100), false), Ok(()));
    assert_eq!(code(server.on_reset_stream(CLIENT_UNI, 0, 51)), Some(Code::FLOW_CONTROL_ERROR));
}

#[test]
fn final_sizes_that_change() {
    let fresh = || {
        let mut server = server();
        assert_eq!(server.on_stream(CLIENT_BIDI, 0, octets(10), false), Ok(()));
        server
    };
    assert_eq!(code(fresh().on_stream(CLIENT_BIDI, 0, octets(9), true)), Some(Code::FINAL_SIZE_ERROR));
    assert_eq!(code(fresh().on_reset_stream(CLIENT_BIDI, 0, 9)), Some(Code::FINAL_SIZE_ERROR));
    let ended = || {
        let mut server = fresh();
        assert_eq!(server.on_stream(CLIENT_BIDI, 20, octets(0), true), Ok(()));
        assert_eq!(server.on_stream(CLIENT_BIDI, 10, octets(10), true), Ok(()));
        server
    };
    assert_eq!(code(ended().on_stream(CLIENT_BIDI, 20, octets(1), false)), Some(Code::FINAL_SIZE_ERROR));
    assert_eq!(code(ended().on_stream(CLIENT_BIDI, 0, octets(19), true)), Some(Code::FINAL_SIZE_ERROR));
    assert_eq!(code(ended().on_reset_stream(CLIENT_BIDI, 0, 21)), Some(Code::FINAL_SIZE_ERROR));
    // All of it is there: a reset changes nothing.
    let mut server = ended();
    assert_eq!(server.on_reset_stream(CLIENT_BIDI, 0, 20), Ok(()));
    assert_eq!(server.read(CLIENT_BIDI, 15), Ok(Some(Chunk { data: octets(10), fin: false })));
    assert_eq!(server.read(CLIENT_BIDI, 15), Ok(Some(Chunk { data: octets(10), fin: true })));
    // After a reset too.
    let mut server = fresh();
    assert_eq!(server.on_reset_stream(CLIENT_BIDI, 0, 20), Ok(()));
    assert_eq!(server.on_stream(CLIENT_BIDI, 10, octets(10), true), Ok(()));
    assert_eq!(code(server.on_stream(CLIENT_BIDI, 20, octets(1), false)), Some(Code::FINAL_SIZE_ERROR));
}

#[test]
fn streams_behind_the_limit() {
    // h3spec 2.
    let over = [StreamId(12), StreamId(10), StreamId((1 << 62) - 4)];
    for id in over {
        assert_eq!(code(server().on_stream(id, 0, octets(1), false)), Some(Code::STREAM_LIMIT_ERROR));
        assert_eq!(code(server().on_reset_stream(id, 0, 0)), Some(Code::STREAM_LIMIT_ERROR));
    }
    assert_eq!(code(server().on_stop_sending(StreamId(12), 0)), Some(Code::STREAM_LIMIT_ERROR));
    assert_eq!(code(server().on_max_stream_data(StreamId(12), 0)), Some(Code::STREAM_LIMIT_ERROR));
    // A higher number opens those below it, and each is told.
    let mut server = server();
    assert_eq!(server.on_max_stream_data(StreamId(8), 7), Ok(()));
    let opened = [0, 4, 8].map(|id| StreamEvent::Opened { id: StreamId(id) });
    assert_eq!(events(&mut server)[..3], opened);
}

#[test]
fn frames_for_streams_that_cannot_have_them() {
    let state = Some(Code::STREAM_STATE_ERROR);
    let mut server = server();
    assert_eq!([server.open(BIDI), server.open(UNI)], [Some(SERVER_BIDI), Some(SERVER_UNI)]);
    // h3spec 19, 22.
    assert_eq!(code(server.on_reset_stream(SERVER_UNI, 0, 0)), state);
    assert_eq!(code(server.on_stream(SERVER_UNI, 0, octets(1), false)), state);
    assert_eq!(code(server.on_stream_data_blocked(SERVER_UNI, 0)), state);
    // h3spec 24.
    assert_eq!(code(server.on_max_stream_data(CLIENT_UNI, 0)), state);
    assert_eq!(code(server.on_stop_sending(CLIENT_UNI, 0)), state);
    // h3spec 20, 21, 23: those that were not opened.
    let (bidi, uni) = (StreamId(5), StreamId(7));
    for id in [bidi, uni] {
        assert_eq!(code(server.on_stop_sending(id, 0)), state);
        assert_eq!(code(server.on_max_stream_data(id, 0)), state);
        assert_eq!(code(server.on_stream(id, 0, octets(1), false)), state);
        assert_eq!(code(server.on_reset_stream(id, 0, 0)), state);
        assert_eq!(code(server.on_stream_data_blocked(id, 0)), state);
    }
    // h3spec 25, 28.
    let most = 1 << 60;
    for direction in [BIDI, UNI] {
        assert_eq!(server.on_max_streams(direction, most), Ok(()));
        assert_eq!(server.on_streams_blocked(direction, most), Ok(()));
        assert_eq!(code(server.on_max_streams(direction, most + 1)), Some(Code::FRAME_ENCODING_ERROR));
        assert_eq!(code(server.on_streams_blocked(direction, most + 1)), Some(Code::FRAME_ENCODING_ERROR));
    }
}

#[test]
fn too_many_pieces() {
    let mut server =
        Streams::new(Side::Server, &StreamLimits { pieces: 20, shared_pieces: 0, ..StreamLimits::default() });
    for n in 0..20 {
        assert_eq!(server.on_stream(StreamId(n % 3 * 4), 1 + 2 * n, octets(1), false), Ok(()));
    }
    assert_eq!(code(server.on_stream(CLIENT_UNI, 1, octets(1), false)), Some(Code::INTERNAL_ERROR));
}

#[test]
fn the_largest_limits_do_not_overflow() {
    let most = (1 << 62) - 1;
    let huge = StreamLimits {
        data_window: most,
        max_data_window: u64::MAX,
        stream_window: most,
        max_stream_window: u64::MAX,
        bidirectional_streams: 1 << 60,
        unidirectional_streams: u64::MAX,
        send_buffer: usize::MAX,
        ..StreamLimits::default()
    };
    let mut pair = pair(&huge, &huge);
    let id = pair[0].open(BIDI).unwrap();
    pair[0].write(id, octets(5000), true).unwrap();
    settle(&mut pair);
    assert_eq!(pair[1].read(id, usize::MAX).unwrap().unwrap().data.len(), 1200 - 2);
    assert_eq!(pair[1].on_stream(CLIENT_UNI, most - 5001, octets(1), true), Ok(()));
    assert_eq!(code(pair[1].on_stream(StreamId(6), 0, octets(1), true)), Some(Code::FLOW_CONTROL_ERROR));
    pair[0].on_max_data(u64::MAX);
    assert_eq!(pair[0].on_max_stream_data(id, u64::MAX), Ok(()));
}

#[test]
fn credit_goes_back_only_for_what_was_taken_and_what_nobody_will_read() {
    let mut server = server();
    server.on_stream(CLIENT_BIDI, 0, octets(80), false).unwrap();
    assert_eq!(server.read(CLIENT_BIDI, 60).unwrap().unwrap().data.len(), 60);
    assert!(!server.wants_to_send());
    server.consumed(CLIENT_BIDI, 40);
    server.consumed(CLIENT_BIDI, 1000);
    assert_eq!(server.data_in.consumed(), 60, "no more than was read");
    assert!(server.wants_to_send());
    // The peer resets it: 20 that were not read, and 20 that never came.
    server.on_reset_stream(CLIENT_BIDI, 3, 100).unwrap();
    assert_eq!((server.data_in.received(), server.data_in.consumed()), (100, 100));
    server.consumed(CLIENT_BIDI, 40);
    assert_eq!(server.data_in.consumed(), 100);
    assert_eq!(server.read(CLIENT_BIDI, 60), Err(ReadError::Reset(3)));
}

#[test]
fn max_streams_goes_up_when_the_application_is_done() {
    let mut server = server();
    let id = CLIENT_UNI;
    server.on_stream(id, 0, octets(5), true).unwrap();
    server.on_reset_stream(StreamId(6), 1, 0).unwrap();
    assert!(!server.wants_to_send());
    assert_eq!(server.read(id, 9).unwrap(), Some(Chunk { data: octets(5), fin: true }));
    assert_eq!(server.stats().open, 2, "the application still holds them");
    server.consumed(id, 5);
    assert_eq!(server.stats().open, 2, "an event waits");
    assert_eq!(
        events(&mut server),
        [
            StreamEvent::Opened { id },
            StreamEvent::Opened { id: StreamId(6) },
            StreamEvent::Readable { id },
            StreamEvent::Reset { id: StreamId(6), code: 1 },
        ]
    );
    assert_eq!(server.stats().open, 0);
    let mut out = Vec::new();
    server.write_frames(&mut out, 100, true, &mut |_| {});
    assert_eq!(parse(&out.into())[0].0, 0x13);
    assert_eq!(server.peers.uni.window.granted(), 4);
    // Late frames mean nothing.
    assert_eq!(server.on_stream(id, 0, octets(5), true), Ok(()));
    assert_eq!(events(&mut server), []);
}

#[test]
fn stop_sending_resets_and_says_nothing_to_who_has_sent_all() {
    let mut pair = pair(&limits(), &limits());
    let id = pair[0].open(BIDI).unwrap();
    pair[0].write(id, octets(10), true).unwrap();
    settle(&mut pair);
    pair[1].stop(id, 9);
    assert!(!pair[1].wants_to_send(), "the trap of STOP_SENDING after FIN");
    // Before the end: the other side resets with the code, and knows.
    let id = pair[0].open(BIDI).unwrap();
    pair[0].write(id, octets(10), false).unwrap();
    settle(&mut pair);
    let _ = events(&mut pair[0]);
    pair[1].stop(id, 9);
    let packet = write(&mut pair, 1, 1200, true).unwrap();
    assert_eq!(packet.frames, [SentFrame::StopSending { id }]);
    deliver(&mut pair[0], &packet.octets).unwrap();
    deliver(&mut pair[0], &packet.octets).unwrap();
    assert_eq!(pair[0].write(id, octets(1), false), Err(WriteError::Stopped(9)));
    assert_eq!(events(&mut pair[0]), [StreamEvent::Stopped { id, code: 9 }]);
    let reset = write(&mut pair, 0, 1200, true).unwrap();
    assert_eq!(parse(&reset.octets), [(0x04, vec![id.0, 9, 10], Bytes::new())]);
    // Lost data of it do not go again, the reset does.
    pair[0].on_lost(&SentFrame::Stream { id, offset: 0, length: 10, fin: false });
    assert!(!pair[0].wants_to_send());
    lose(&mut pair, &reset);
    let again = write(&mut pair, 0, 1200, true).unwrap();
    assert_eq!(again.octets, reset.octets);
    deliver(&mut pair[1], &again.octets).unwrap();
    ack(&mut pair, &again);
    // It has the reset: STOP_SENDING is of no use any more.
    lose(&mut pair, &packet);
    assert!(!pair[1].wants_to_send());
    assert!(!events(&mut pair[1]).iter().any(|event| matches!(event, StreamEvent::Reset { .. })));
}

#[test]
fn blocked_is_said_once_for_each_limit() {
    let mut pair = pair(&limits(), &limits());
    let ids = [pair[0].open(BIDI).unwrap(), pair[0].open(BIDI).unwrap()];
    for id in ids {
        assert_eq!(pair[0].write(id, octets(120), true), Ok(()));
        assert_eq!(pair[0].capacity(id), 0);
    }
    let packet = write(&mut pair, 0, 1200, true).unwrap();
    let said = |frame: &SentFrame| packet.frames.iter().filter(|other| *other == frame).count();
    assert_eq!(said(&SentFrame::DataBlocked), 1);
    assert_eq!((pair[0].wants_to_send(), pair[0].capacity(ids[1])), (true, 0));
    let next = write(&mut pair, 0, 1200, true).unwrap();
    assert_eq!(next.frames, [SentFrame::StreamDataBlocked { id: ids[0] }]);
    assert!(!pair[0].wants_to_send());
    // Only what is still true goes again.
    pair[0].on_max_stream_data(ids[0], 120).unwrap();
    lose(&mut pair, &next);
    assert!(!pair[0].wants_to_send());
    pair[0].on_lost(&SentFrame::DataBlocked);
    assert_eq!(write(&mut pair, 0, 1200, true).unwrap().frames, [SentFrame::DataBlocked]);
    // Streams.
    assert_eq!([pair[0].open(BIDI), pair[0].open(BIDI), pair[0].open(BIDI)], [Some(StreamId(8)), None, None]);
    let frames = write(&mut pair, 0, 1200, true).unwrap().frames;
    assert_eq!(frames, [SentFrame::StreamsBlocked { direction: BIDI }]);
    assert_eq!((write(&mut pair, 0, 1200, true).is_some(), pair[0].open(BIDI)), (false, None));
    pair[0].on_max_streams(BIDI, 4).unwrap();
    assert_eq!(events(&mut pair[0]), [StreamEvent::Available { direction: BIDI }]);
    assert_eq!(pair[0].open(BIDI), Some(StreamId(12)));
}

#[test]
fn limits_that_were_lost_go_again_while_they_are_of_use() {
    let mut pair = pair(&limits(), &limits());
    let id = pair[0].open(BIDI).unwrap();
    pair[0].write(id, octets(100), false).unwrap();
    let packet = write(&mut pair, 0, 1200, true).unwrap();
    deliver(&mut pair[1], &packet.octets).unwrap();
    assert_eq!(pair[1].read(id, 100).unwrap().unwrap().data.len(), 100);
    pair[1].consumed(id, 100);
    let credit = write(&mut pair, 1, 1200, true).unwrap();
    assert_eq!(credit.frames, [SentFrame::MaxData, SentFrame::MaxStreamData { id }]);
    lose(&mut pair, &credit);
    assert_eq!(write(&mut pair, 1, 1200, true).unwrap().octets, credit.octets);
    // The size is known now: only what is for all streams goes again.
    pair[1].on_stream(id, 100, octets(0), true).unwrap();
    lose(&mut pair, &credit);
    assert_eq!(write(&mut pair, 1, 1200, true).unwrap().frames, [SentFrame::MaxData]);
}

#[test]
fn a_frame_that_fills_its_packet_needs_no_length() {
    for room in 1..300usize {
        for available in [0usize, 1, 15, 16, 17, 60, 61, 62, 63, 64, 65, 66, 120, 1000] {
            for last in [false, true] {
                let mut pair = pair(&StreamLimits::default(), &StreamLimits::default());
                let id = pair[0].open(BIDI).unwrap();
                pair[0].write(id, octets(available), true).unwrap();
                let Some(packet) = write(&mut pair, 0, room, last) else {
                    assert!(room < available + 4 && room < 19, "{available} in {room}");
                    continue;
                };
                let (kind, values, data) = parse(&packet.octets).remove(0);
                assert!(kind & 2 != 0 || last && packet.octets.len() == room);
                assert!(last || kind & 2 != 0);
                assert_eq!(values[2] == 1, data.len() == available);
                assert!(data.len() == available || room - packet.octets.len() <= 1, "{available} in {room}");
            }
        }
    }
}

#[test]
fn writing_ends_with_the_end_and_nothing_is_an_end_too() {
    let mut pair = pair(&limits(), &limits());
    let id = pair[0].open(UNI).unwrap();
    pair[0].write(id, octets(5), false).unwrap();
    settle(&mut pair);
    assert_eq!(pair[1].read(id, 9).unwrap(), Some(Chunk { data: octets(5), fin: false }));
    pair[0].write(id, Bytes::new(), true).unwrap();
    assert_eq!(pair[0].write(id, octets(1), false), Err(WriteError::Unknown));
    assert_eq!(pair[0].write(id, Bytes::new(), true), Err(WriteError::Unknown));
    let packet = write(&mut pair, 0, 1200, true).unwrap();
    assert_eq!(packet.frames, [SentFrame::Stream { id, offset: 5, length: 0, fin: true }]);
    lose(&mut pair, &packet);
    settle(&mut pair);
    assert_eq!(events(&mut pair[0]), [StreamEvent::Finished { id }]);
    assert_eq!(pair[1].read(id, 9).unwrap(), Some(Chunk { data: Bytes::new(), fin: true }));
    assert_eq!(pair[1].read(id, 9), Ok(None));
    pair[1].consumed(id, 5);
    let _ = events(&mut pair[1]);
    assert_eq!(pair[1].read(id, 9), Err(ReadError::Unknown));
    assert_eq!(pair[1].write(id, octets(1), false), Err(WriteError::Unknown));
    assert_eq!((pair[0].stats().open, pair[1].stats().open), (0, 0));
}

#[test]
fn urgent_streams_go_first_and_parts_take_turns() {
    let mut pair = pair(&StreamLimits::default(), &StreamLimits::default());
    let ids: Vec<StreamId> = (0..4).map(|_| pair[0].open(BIDI).unwrap()).collect();
    for (id, (urgency, incremental)) in ids.iter().zip([(5, true), (5, true), (3, false), (200, false)]) {
        pair[0].write(*id, octets(250), true).unwrap();
        pair[0].set_priority(*id, urgency, incremental);
    }
    let mut order = Vec::new();
    while let Some(packet) = write(&mut pair, 0, 105, true) {
        for frame in packet.frames {
            if let SentFrame::Stream { id, .. } = frame
                && order.last() != Some(&id.index())
            {
                order.push(id.index());
            }
        }
    }
    assert_eq!(order[..5], [2, 0, 1, 0, 1]);
    assert_eq!(order.last(), Some(&3));
}

#[test]
fn windows_double_when_they_are_used_up_within_two_round_trips() {
    use std::time::{Duration, Instant};
    let (now, rtt) = (Instant::now(), Duration::from_millis(10));
    for (millis, grows) in [(5, true), (10, true), (11, false), (1000, false)] {
        let limits = StreamLimits { max_stream_window: 150, max_data_window: 400, ..limits() };
        let [_, mut server] = pair(&limits, &limits);
        let mut at = 0;
        let mut round = |server: &mut Streams, now| {
            server.set_clock(now, rtt);
            server.on_stream(CLIENT_BIDI, at, octets(50), false).unwrap();
            at += 50;
            assert_eq!(server.read(CLIENT_BIDI, 99).unwrap().unwrap().data.len(), 50);
            server.consumed(CLIENT_BIDI, 50);
            server.write_frames(&mut Vec::new(), 100, true, &mut |_| {});
        };
        round(&mut server, now);
        round(&mut server, now + Duration::from_millis(millis));
        let slot = server.table.slot(CLIENT_BIDI).unwrap();
        let size = server.table.get(slot).unwrap().receive.as_ref().unwrap().window().size();
        assert_eq!(size, if grows { 150 } else { 100 }, "{millis} ms");
        assert!(server.data_in.size() >= size + size / 2);
    }
}
