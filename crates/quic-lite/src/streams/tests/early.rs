use bytes::Bytes;
use wirelace_tls_glue::quic::Side;

use super::pair::{ack, introduce, settle, write};
use crate::sent_frame::SentFrame;
use crate::stream_id::{Direction, StreamId};
use crate::streams::{StreamEvent, StreamLimits, Streams};

const BIDI: Direction = Direction::Bidirectional;

fn limits(data: u64, streams: u64) -> StreamLimits {
    StreamLimits {
        data_window: data,
        stream_window: data,
        bidirectional_streams: streams,
        ..StreamLimits::default()
    }
}

#[test]
fn refused_early_data_go_again_and_only_as_far_as_they_may() {
    for parameters_first in [false, true] {
        let mut pair = [
            Streams::new(Side::Client, &StreamLimits::default()),
            Streams::new(Side::Server, &limits(100, 2)),
        ];
        introduce(&mut pair[1], &StreamLimits::default());
        introduce(&mut pair[0], &limits(1000, 3));
        let ids: Vec<StreamId> = (0..3).map(|_| pair[0].open(BIDI).unwrap()).collect();
        for id in &ids {
            pair[0].write(*id, Bytes::from(vec![5; 60]), true).unwrap();
        }
        assert!(write(&mut pair, 0, 1200, true).is_some() && !pair[0].wants_to_send());
        if parameters_first {
            introduce(&mut pair[0], &limits(100, 2));
            pair[0].reject_early_data();
        } else {
            pair[0].reject_early_data();
            introduce(&mut pair[0], &limits(100, 2));
        }
        // 100 octets on two streams may go.
        let packet = write(&mut pair, 0, 1200, true).unwrap();
        assert_eq!(
            packet.frames,
            [
                SentFrame::Stream { id: ids[0], offset: 0, length: 60, fin: true },
                SentFrame::Stream { id: ids[1], offset: 0, length: 40, fin: false },
                SentFrame::DataBlocked,
            ]
        );
        super::frames::deliver(&mut pair[1], &packet.octets).unwrap();
        ack(&mut pair, &packet);
        for _ in 0..10 {
            settle(&mut pair);
            for id in &ids {
                while let Ok(Some(chunk)) = pair[1].read(*id, usize::MAX) {
                    pair[1].consumed(*id, chunk.data.len());
                }
                pair[1].reset(*id, 0);
            }
            while pair[1].poll_event().is_some() || pair[0].poll_event().is_some() {}
        }
        assert_eq!(pair[1].stats().bytes_received, 180);
        assert_eq!(pair[1].stats().open, 0);
    }
}

#[test]
fn limits_that_were_remembered_only_grow() {
    let mut client = Streams::new(Side::Client, &StreamLimits::default());
    assert_eq!(client.open(BIDI), None);
    introduce(&mut client, &limits(10, 1));
    assert_eq!(client.poll_event(), Some(StreamEvent::Available { direction: BIDI }));
    let id = client.open(BIDI).unwrap();
    assert_eq!((client.capacity(id), client.open(BIDI)), (10, None));
    introduce(&mut client, &limits(25, 2));
    assert_eq!((client.capacity(id), client.open(BIDI)), (25, Some(StreamId(4))));
}
