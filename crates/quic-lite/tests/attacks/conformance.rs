//! Rules of RFC 9000 and RFC 9001 that every peer breaks in the same way: each with the code that it is to hear.

use wirelace_quic_lite::Limits;
use wirelace_quic_lite::frame::PacketType;
use wirelace_tls_glue::quic::{Level, Side};

use crate::peer::{Edit, Shape};
use crate::wire::{crypto, new_connection_id, number_parameter, numbers, parameter, stream};
use crate::world::{BOTH, Setup, World};

const FLOW_CONTROL_ERROR: u64 = 0x03;
const STREAM_LIMIT_ERROR: u64 = 0x04;
const STREAM_STATE_ERROR: u64 = 0x05;
const FINAL_SIZE_ERROR: u64 = 0x06;
const FRAME_ENCODING_ERROR: u64 = 0x07;
const TRANSPORT_PARAMETER_ERROR: u64 = 0x08;
const PROTOCOL_VIOLATION: u64 = 0x0a;
const UNEXPECTED_MESSAGE: u64 = 0x100 + 10;
const MISSING_EXTENSION: u64 = 0x100 + 109;
const NO_APPLICATION_PROTOCOL: u64 = 0x100 + 120;

/// A bidirectional stream that the peer of this side opens.
fn peers(subject: Side, index: u64) -> u64 {
    index << 2 | u64::from(subject == Side::Client)
}

/// One that this side opens.
fn own(subject: Side, index: u64) -> u64 {
    index << 2 | u64::from(subject == Side::Server)
}

const UNI: u64 = 2;

/// These frames in a 1-RTT packet end the connection with this code, whichever side it is.
#[track_caller]
fn refused(code: u64, frames: impl Fn(Side) -> Vec<u8>) {
    for subject in BOTH {
        let mut world = World::open(subject);
        world.frames(&frames(subject));
        world.ended(code);
    }
}

/// Transport parameters that the handshake does not survive.
#[track_caller]
fn parameters_refused(subject: Side, change: impl Fn(Vec<u8>) -> Vec<u8> + 'static) {
    let mut world = World::begin(subject, Setup { parameters: Box::new(change), ..Setup::default() });
    world.pump();
    world.ended(TRANSPORT_PARAMETER_ERROR);
}

fn more(extra: Vec<u8>) -> impl Fn(Vec<u8>) -> Vec<u8> {
    move |parameters| [parameters, extra.clone()].concat()
}

/// Without that one.
fn without(id: u64) -> impl Fn(Vec<u8>) -> Vec<u8> {
    move |parameters| {
        let (mut rest, mut kept) = (&parameters[..], Vec::new());
        while let Some((&first, _)) = rest.split_first() {
            // All ids of a usual peer and all lengths have one octet.
            let length = usize::from(rest[1]) + 2;
            if u64::from(first) != id {
                kept.extend_from_slice(&rest[..length]);
            }
            rest = &rest[length..];
        }
        kept
    }
}

#[test]
fn row_01_stream_with_a_large_offset() {
    refused(FLOW_CONTROL_ERROR, |subject| stream(peers(subject, 0), (1 << 62) - 100, b"x", false));
    refused(FLOW_CONTROL_ERROR, |subject| stream(peers(subject, 0), 1 << 20, b"x", false));
}

#[test]
fn row_01_the_window_itself_is_allowed() {
    for subject in BOTH {
        let mut world = World::open(subject);
        world.frames(&stream(peers(subject, 0), (1 << 20) - 1, b"x", false));
        world.goes_on();
    }
}

#[test]
fn row_01_all_streams_together() {
    for subject in BOTH {
        let mut limits = Limits::default();
        limits.data_window = 3 << 20;
        let mut world = World::open_with(subject, Setup { limits, ..Setup::default() });
        for index in 0..3 {
            world.frames(&stream(peers(subject, index), (1 << 20) - 1, b"x", false));
        }
        world.goes_on();
        world.frames(&stream(peers(subject, 3), 0, b"x", false));
        world.ended(FLOW_CONTROL_ERROR);
    }
}

#[test]
fn row_01_the_final_size_of_a_reset_counts() {
    refused(FLOW_CONTROL_ERROR, |subject| numbers(&[0x04, peers(subject, 0), 0, (1 << 20) + 1]));
}

#[test]
fn row_02_stream_beyond_the_limit() {
    refused(STREAM_LIMIT_ERROR, |subject| stream(peers(subject, 100), 0, b"x", false));
    refused(STREAM_LIMIT_ERROR, |subject| stream(peers(subject, 100) | UNI, 0, b"x", false));
    refused(STREAM_LIMIT_ERROR, |subject| stream(peers(subject, (1 << 60) - 1), 0, b"x", false));
    refused(STREAM_LIMIT_ERROR, |subject| numbers(&[0x05, peers(subject, 100), 0]));
    refused(STREAM_LIMIT_ERROR, |subject| numbers(&[0x11, peers(subject, 100), 0]));
    refused(STREAM_LIMIT_ERROR, |subject| numbers(&[0x15, peers(subject, 100), 0]));
}

#[test]
fn row_02_the_last_stream_is_allowed() {
    for subject in BOTH {
        let mut world = World::open(subject);
        world.frames(&stream(peers(subject, 99), 0, b"x", false));
        world.goes_on();
    }
}

#[test]
fn row_03_initial_source_connection_id_is_missing() {
    for subject in BOTH {
        parameters_refused(subject, without(0x0f));
    }
}

#[test]
fn row_03_initial_source_connection_id_is_another() {
    for subject in BOTH {
        parameters_refused(subject, |parameters| {
            more(parameter(0x0f, b"somebody"))(without(0x0f)(parameters))
        });
    }
}

#[test]
fn rows_04_to_07_what_only_servers_may_say() {
    let preferred = [&[0; 4 + 2 + 16 + 2][..], &[4, 1, 2, 3, 4], &[0; 16]].concat();
    for (id, value) in [(0x00, &b"original"[..]), (0x0d, &preferred), (0x10, b"retry"), (0x02, &[7; 16])] {
        parameters_refused(Side::Server, more(parameter(id, value)));
    }
}

#[test]
fn rows_04_and_06_what_servers_must_say() {
    parameters_refused(Side::Client, without(0x00));
    parameters_refused(Side::Client, |parameters| {
        more(parameter(0x00, b"another one"))(without(0x00)(parameters))
    });
    // There was no Retry.
    parameters_refused(Side::Client, more(parameter(0x10, b"the peer")));
}

#[test]
fn rows_08_to_10_numbers_out_of_range() {
    for subject in BOTH {
        for (id, value) in [(0x03, 1199), (0x0a, 21), (0x0b, 1 << 14), (0x0b, (1 << 62) - 1)] {
            parameters_refused(subject, more(number_parameter(id, value)));
        }
    }
}

#[test]
fn rows_08_to_10_other_parameters_that_are_wrong() {
    for subject in BOTH {
        for (id, value) in [(0x08, (1 << 60) + 1), (0x09, (1 << 60) + 1)] {
            parameters_refused(subject, move |parameters| {
                more(number_parameter(id, value))(without(id)(parameters))
            });
        }
        parameters_refused(subject, |parameters| more(number_parameter(0x0e, 1))(without(0x0e)(parameters)));
        // Twice, cut, longer than its number, with a value that must be empty.
        parameters_refused(subject, |parameters| [parameters.clone(), parameters].concat());
        parameters_refused(subject, |parameters| parameters[..parameters.len() - 1].to_vec());
        parameters_refused(subject, more(parameter(0x0a, &[3, 0])));
        parameters_refused(subject, more(parameter(0x0c, &[0])));
        parameters_refused(subject, more(parameter(0x01_00, &[]).repeat(2)));
    }
}

#[test]
fn row_11_unknown_frame_type() {
    refused(FRAME_ENCODING_ERROR, |_| vec![0x3f]);
    refused(FRAME_ENCODING_ERROR, |_| numbers(&[0x1f]));
    refused(FRAME_ENCODING_ERROR, |_| numbers(&[0xfeed_beef]));
    // A known one in more octets than it needs.
    refused(PROTOCOL_VIOLATION, |_| vec![0x40, 0x01]);
    for subject in BOTH {
        for kind in [PacketType::Initial, PacketType::Handshake] {
            let mut world = handshaking(subject, kind);
            world.send_shape(&sized(kind), &[0x3f]);
            world.ended(FRAME_ENCODING_ERROR);
        }
    }
}

/// The peer has keys of this level, and so has the connection.
fn handshaking(subject: Side, kind: PacketType) -> World {
    let mut world = World::begin(subject, Setup::default());
    if subject == Side::Server && kind == PacketType::Handshake {
        // The server's flight is there; the client has not answered.
        world.collect();
    } else if subject == Side::Client && kind == PacketType::Handshake {
        // The client has the server's hello.
        world.peer.pull();
        let hello = std::mem::take(&mut world.peer.outgoing[0]);
        let packet = world.peer.packet(&sized(PacketType::Initial), &crypto(0, &hello));
        world.deliver(&packet);
        world.peer.outgoing[1].clear();
    }
    world
}

fn sized(kind: PacketType) -> Shape {
    let size = if kind == PacketType::Initial { 1200 } else { 0 };
    Shape { size, ..Shape::new(kind) }
}

#[test]
fn row_12_packet_without_frames() {
    refused(PROTOCOL_VIOLATION, |_| Vec::new());
    for subject in BOTH {
        let mut world = handshaking(subject, PacketType::Handshake);
        world.send(PacketType::Handshake, &[]);
        world.ended(PROTOCOL_VIOLATION);
    }
}

#[test]
fn row_13_reserved_bits_of_a_long_header() {
    for subject in BOTH {
        for kind in [PacketType::Initial, PacketType::Handshake] {
            for bits in [0x04, 0x08, 0x0c] {
                let mut world = handshaking(subject, kind);
                world.send_shape(&Shape { bits, ..sized(kind) }, &[0x01]);
                world.ended(PROTOCOL_VIOLATION);
            }
        }
    }
}

#[test]
fn row_14_reserved_bits_of_a_short_header() {
    for subject in BOTH {
        for bits in [0x08, 0x10, 0x18] {
            let mut world = World::open(subject);
            world.send_shape(&Shape { bits, ..Shape::new(PacketType::OneRtt) }, &[0x01]);
            world.ended(PROTOCOL_VIOLATION);
        }
    }
}

#[test]
fn row_15_frames_that_handshake_packets_must_not_have() {
    let mut path_challenge = vec![0x1a];
    path_challenge.extend_from_slice(&[7; 8]);
    let frames = [
        path_challenge.clone(),
        [&[0x1b][..], &path_challenge[1..]].concat(),
        numbers(&[0x04, 0, 0, 0]),
        numbers(&[0x05, 0, 0]),
        numbers(&[0x07, 1, 1]),
        stream(0, 0, b"x", false),
        numbers(&[0x10, 0]),
        numbers(&[0x11, 0, 0]),
        numbers(&[0x12, 0]),
        numbers(&[0x13, 0]),
        numbers(&[0x14, 0]),
        numbers(&[0x15, 0, 0]),
        numbers(&[0x16, 0]),
        numbers(&[0x17, 0]),
        new_connection_id(1, 0, b"another!", &[1; 16]),
        numbers(&[0x19, 0]),
        numbers(&[0x1d, 0, 0]),
        vec![0x1e],
        vec![0x30],
        vec![0x31, 0],
    ];
    for subject in BOTH {
        for kind in [PacketType::Initial, PacketType::Handshake] {
            for frame in &frames {
                let mut world = handshaking(subject, kind);
                world.send_shape(&sized(kind), frame);
                world.ended(PROTOCOL_VIOLATION);
            }
        }
    }
}

#[test]
fn row_16_new_token_from_a_client() {
    let mut world = World::open(Side::Server);
    world.frames(&numbers(&[0x07, 1, 1]));
    world.ended(PROTOCOL_VIOLATION);
}

#[test]
fn row_17_handshake_done_from_a_client() {
    let mut world = World::open(Side::Server);
    world.frames(&[0x1e]);
    world.ended(PROTOCOL_VIOLATION);
}

#[test]
fn row_19_reset_of_a_stream_that_only_this_side_sends_on() {
    for subject in BOTH {
        let mut world = World::open(subject);
        let id = world.subject.open(wirelace_quic_lite::Direction::Unidirectional).unwrap();
        world.frames(&numbers(&[0x04, id.0, 0, 0]));
        world.ended(STREAM_STATE_ERROR);
    }
}

#[test]
fn row_20_stop_sending_for_a_stream_that_does_not_exist() {
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x05, own(subject, 0), 0]));
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x05, own(subject, 0) | UNI, 0]));
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x05, peers(subject, 0) | UNI, 0]));
}

#[test]
fn row_21_stream_that_this_side_has_not_opened() {
    refused(STREAM_STATE_ERROR, |subject| stream(own(subject, 0), 0, b"x", false));
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x15, own(subject, 0), 0]));
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x04, own(subject, 0), 0, 0]));
}

#[test]
fn row_22_data_on_a_stream_that_only_this_side_sends_on() {
    for subject in BOTH {
        let mut world = World::open(subject);
        let id = world.subject.open(wirelace_quic_lite::Direction::Unidirectional).unwrap();
        world.frames(&stream(id.0, 0, b"x", false));
        world.ended(STREAM_STATE_ERROR);
    }
}

#[test]
fn row_23_max_stream_data_for_a_stream_that_this_side_has_not_opened() {
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x11, own(subject, 0), 1 << 20]));
}

#[test]
fn row_24_max_stream_data_for_a_stream_that_only_the_peer_sends_on() {
    refused(STREAM_STATE_ERROR, |subject| numbers(&[0x11, peers(subject, 0) | UNI, 1 << 20]));
}

#[test]
fn row_25_max_streams_above_2_to_60() {
    for kind in [0x12, 0x13] {
        refused(FRAME_ENCODING_ERROR, |_| numbers(&[kind, (1 << 60) + 1]));
    }
    for subject in BOTH {
        let mut world = World::open(subject);
        world.frames(&numbers(&[0x12, 1 << 60, 0x13, 1 << 60]));
        world.goes_on();
    }
}

#[test]
fn row_26_new_connection_id_that_retires_itself() {
    refused(FRAME_ENCODING_ERROR, |_| new_connection_id(1, 2, b"another!", &[1; 16]));
}

#[test]
fn row_27_new_connection_id_without_octets() {
    refused(FRAME_ENCODING_ERROR, |_| new_connection_id(1, 0, b"", &[1; 16]));
    refused(FRAME_ENCODING_ERROR, |_| new_connection_id(1, 0, &[1; 21], &[1; 16]));
}

#[test]
fn row_28_streams_blocked_above_2_to_60() {
    for kind in [0x16, 0x17] {
        refused(FRAME_ENCODING_ERROR, |_| numbers(&[kind, (1 << 60) + 1]));
    }
}

/// TLS messages that have no place in QUIC (RFC 9001 §6, §8.3): type, length, content.
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];
const END_OF_EARLY_DATA: [u8; 4] = [5, 0, 0, 0];

#[test]
fn row_29_tls_key_update_in_a_handshake_packet() {
    for subject in BOTH {
        let mut world = handshaking(subject, PacketType::Handshake);
        world.send(PacketType::Handshake, &crypto(0, &KEY_UPDATE));
        world.ended(UNEXPECTED_MESSAGE);
    }
}

#[test]
fn row_30_tls_key_update_in_a_1rtt_packet() {
    for subject in BOTH {
        let mut world = World::open(subject);
        let offset = world.peer.sent[2] as u64;
        world.frames(&crypto(offset, &KEY_UPDATE));
        world.ended(UNEXPECTED_MESSAGE);
    }
}

#[test]
fn row_31_end_of_early_data() {
    let mut world = handshaking(Side::Server, PacketType::Handshake);
    world.send(PacketType::Handshake, &crypto(0, &END_OF_EARLY_DATA));
    world.ended(UNEXPECTED_MESSAGE);
}

#[test]
fn row_32_no_common_application_protocol() {
    let mut world = World::begin(Side::Server, Setup { protocol: "other", ..Setup::default() });
    world.pump();
    world.ended(NO_APPLICATION_PROTOCOL);
}

/// Where the extension of transport parameters begins: nothing else has this type and a length below 256.
fn extension_at(hello: &[u8]) -> Option<usize> {
    hello.windows(3).position(|three| three == [0x00, 0x39, 0x00])
}

/// The extension has another type, of the same length.
fn renamed(level: Level) -> Edit {
    Box::new(move |at, mut data| {
        if let Some(place) = extension_at(&data).filter(|_| at == level) {
            data[place..place + 2].copy_from_slice(&[0x7a, 0x7a]);
        }
        data
    })
}

/// The extension is cut out of a ClientHello, or of EncryptedExtensions.
fn cut(level: Level) -> Edit {
    Box::new(move |at, mut data| {
        if at == level
            && let Some(place) = extension_at(&data)
        {
            let length = 4 + usize::from(data[place + 3]);
            data.drain(place..place + length);
            // The lengths of the message and of all extensions: a client's stand behind session id, suites and
            // compression.
            let session = 4 + 2 + 32;
            let suites = session + 1 + usize::from(data[session]);
            let all =
                if level == Level::Initial { suites + 2 + usize::from(data[suites + 1]) + 2 } else { 4 };
            for at in [2, all] {
                let shorter = u16::from_be_bytes([data[at], data[at + 1]]) - length as u16;
                data[at..at + 2].copy_from_slice(&shorter.to_be_bytes());
            }
        }
        data
    })
}

#[test]
fn rows_33_and_34_no_transport_parameters() {
    let ways = [
        (Side::Server, renamed(Level::Initial)),
        (Side::Server, cut(Level::Initial)),
        (Side::Client, cut(Level::Handshake)),
    ];
    for (subject, edit) in ways {
        let mut world = World::begin(subject, Setup { edit: Some(edit), ..Setup::default() });
        world.pump();
        world.ended(MISSING_EXTENSION);
    }
}

#[test]
fn a_final_size_that_changes() {
    for subject in BOTH {
        let id = peers(subject, 0);
        for second in [
            stream(id, 10, b"x", false),
            stream(id, 0, b"x", true),
            stream(id, 10, b"x", true),
            numbers(&[0x04, id, 0, 3]),
            numbers(&[0x04, id, 0, 11]),
        ] {
            let mut world = World::open(subject);
            world.frames(&stream(id, 0, b"0123456789", true));
            world.frames(&second);
            world.ended(FINAL_SIZE_ERROR);
        }
        let mut world = World::open(subject);
        world.frames(&stream(id, 0, b"0123456789", false));
        world.frames(&numbers(&[0x04, id, 0, 9]));
        world.ended(FINAL_SIZE_ERROR);
    }
}
