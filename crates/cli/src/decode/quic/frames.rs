//! The frames of a packet (RFC 9000 §19).

use std::fmt::Write as _;
use std::io::Write;

use wirelace::tls_glue::quic::Side;
use wirelace_quic_lite::Direction;
use wirelace_quic_lite::frame::{Ack, Frame, Frames, PacketType};

use super::super::tree::{Count, Quoted, Tree};
use super::super::wrong::{Stop, wrong};
use super::hello;
use super::words::{Hex, broken};

/// Ranges of an ACK frame that are shown.
const RANGES: usize = 12;

/// Writes a line for each frame of the payload that starts at `at`.
pub(super) fn decode(
    payload: &[u8],
    at: usize,
    packet: PacketType,
    from: Side,
    tree: &mut Tree<impl Write>,
) -> Result<(), Stop> {
    if payload.is_empty() {
        return Err(wrong(at, "a packet without frames (RFC 9000 §12.4) (PROTOCOL_VIOLATION)"));
    }
    let mut frames = Frames::new(payload, packet);
    loop {
        let start = at + frames.offset();
        let Some(frame) = frames.next() else { return Ok(()) };
        let frame = frame.map_err(|error| broken(at, &error))?;
        tree.open(start, section(&frame), text(&frame))?;
        if let Frame::Crypto { offset: 0, data } = frame {
            // They are at the frame's end.
            hello::decode(data, at + frames.offset() - data.len(), from, tree)?;
        }
        tree.close();
    }
}

fn section(frame: &Frame<'_>) -> &'static str {
    match frame {
        Frame::Padding { .. } => "RFC 9000 §19.1",
        Frame::Ping => "RFC 9000 §19.2",
        Frame::Ack(_) => "RFC 9000 §19.3",
        Frame::ResetStream { .. } => "RFC 9000 §19.4",
        Frame::StopSending { .. } => "RFC 9000 §19.5",
        Frame::Crypto { .. } => "RFC 9000 §19.6",
        Frame::NewToken { .. } => "RFC 9000 §19.7",
        Frame::Stream { .. } => "RFC 9000 §19.8",
        Frame::MaxData(_) => "RFC 9000 §19.9",
        Frame::MaxStreamData { .. } => "RFC 9000 §19.10",
        Frame::MaxStreams { .. } => "RFC 9000 §19.11",
        Frame::DataBlocked(_) => "RFC 9000 §19.12",
        Frame::StreamDataBlocked { .. } => "RFC 9000 §19.13",
        Frame::StreamsBlocked { .. } => "RFC 9000 §19.14",
        Frame::NewConnectionId { .. } => "RFC 9000 §19.15",
        Frame::RetireConnectionId { .. } => "RFC 9000 §19.16",
        Frame::PathChallenge(_) => "RFC 9000 §19.17",
        Frame::PathResponse(_) => "RFC 9000 §19.18",
        Frame::ConnectionClose { .. } | Frame::ApplicationClose { .. } => "RFC 9000 §19.19",
        Frame::HandshakeDone => "RFC 9000 §19.20",
        Frame::Datagram { .. } => "RFC 9221 §4",
        _ => "RFC 9000 §12.4",
    }
}

fn text(frame: &Frame<'_>) -> String {
    let data = |data: &[u8]| Count(data.len(), "octet").to_string();
    let kind = |direction: &Direction| match direction {
        Direction::Bidirectional => "bidirectional",
        Direction::Unidirectional => "unidirectional",
    };
    match frame {
        Frame::Padding { octets } => format!("PADDING, {}", Count(*octets, "octet")),
        Frame::Ping => "PING".to_owned(),
        Frame::Ack(ack) => ack_text(ack),
        Frame::ResetStream { id, code, final_size } => {
            format!("RESET_STREAM, stream {id}, code {code:#x}, final size {final_size}")
        }
        Frame::StopSending { id, code } => format!("STOP_SENDING, stream {id}, code {code:#x}"),
        Frame::Crypto { offset, data: octets } => format!("CRYPTO, offset {offset}, {}", data(octets)),
        Frame::NewToken { token } => format!("NEW_TOKEN, {}", Hex(token)),
        Frame::Stream { id, offset, data: octets, fin } => {
            let fin = if *fin { ", the last" } else { "" };
            format!("STREAM, stream {id}, offset {offset}, {}{fin}", data(octets))
        }
        Frame::MaxData(value) => format!("MAX_DATA, {value}"),
        Frame::MaxStreamData { id, value } => format!("MAX_STREAM_DATA, stream {id}, {value}"),
        Frame::MaxStreams { direction, value } => format!("MAX_STREAMS, {}, {value}", kind(direction)),
        Frame::DataBlocked(value) => format!("DATA_BLOCKED, at {value}"),
        Frame::StreamDataBlocked { id, value } => format!("STREAM_DATA_BLOCKED, stream {id}, at {value}"),
        Frame::StreamsBlocked { direction, value } => {
            format!("STREAMS_BLOCKED, {}, at {value}", kind(direction))
        }
        Frame::NewConnectionId { sequence, retire_prior_to, id, token } => format!(
            "NEW_CONNECTION_ID, number {sequence}, retire prior to {retire_prior_to}, id {}, reset token {}",
            Hex(id.as_slice()),
            Hex(token)
        ),
        Frame::RetireConnectionId { sequence } => format!("RETIRE_CONNECTION_ID, number {sequence}"),
        Frame::PathChallenge(data) => format!("PATH_CHALLENGE, {}", Hex(data)),
        Frame::PathResponse(data) => format!("PATH_RESPONSE, {}", Hex(data)),
        Frame::ConnectionClose { code, frame_type, reason } => format!(
            "CONNECTION_CLOSE, {code} ({:#x}), for frame type {frame_type:#x}, reason {}",
            code.value(),
            Quoted(reason)
        ),
        Frame::ApplicationClose { code, reason } => {
            format!("CONNECTION_CLOSE of the application, code {code:#x}, reason {}", Quoted(reason))
        }
        Frame::HandshakeDone => "HANDSHAKE_DONE".to_owned(),
        Frame::Datagram { data: octets } => format!("DATAGRAM, {}", data(octets)),
        other => format!("frame of type {:#x}", other.frame_type()),
    }
}

fn ack_text(ack: &Ack<'_>) -> String {
    let mut text = format!("ACK, delay {}, packets", ack.delay);
    let count = ack.ranges().count();
    for (index, range) in ack.ranges().take(RANGES).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = match range.into_inner() {
            (start, end) if start == end => write!(text, "{comma} {end}"),
            (start, end) => write!(text, "{comma} {start} to {end}"),
        };
    }
    if count > RANGES {
        let _ = write!(text, " and {}", Count(count - RANGES, "more range"));
    }
    if let Some(ecn) = ack.ecn {
        let _ = write!(text, "; ECT(0) {}, ECT(1) {}, CE {}", ecn.ect0, ecn.ect1, ecn.ce);
    }
    text
}
