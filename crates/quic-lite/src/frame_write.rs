//! Frames as they travel (RFC 9000 §19, RFC 9221 §4).

use wirelace_wire::varint::VARINT_MAX;

use crate::ack::Ack;
use crate::frame::Frame;
use crate::octets::put_varint;

impl Frame<'_> {
    /// Appends the frame in its shortest form; STREAM and DATAGRAM say their length, so that others can follow. Numbers
    /// above 2^62 - 1, which no frame can say, become that.
    ///
    /// What is written is what the frame says, even where a peer would refuse it: an empty NEW_TOKEN, for one.
    ///
    /// ```
    /// use wirelace_quic_lite::StreamId;
    /// use wirelace_quic_lite::frame::{Frame, Frames, PacketType};
    ///
    /// let mut payload = Vec::new();
    /// Frame::Stream { id: StreamId(4), offset: 0, data: b"hello", fin: true }.write(&mut payload);
    /// Frame::MaxData(1000).write(&mut payload);
    /// assert_eq!(payload, b"\x0b\x04\x05hello\x10\x43\xe8");
    /// let frames = Frames::new(&payload, PacketType::OneRtt).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(frames[1], Frame::MaxData(1000));
    /// # Ok::<(), wirelace_quic_lite::TransportError>(())
    /// ```
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        // Each type that is known is one octet.
        out.push(self.frame_type() as u8);
        match *self {
            // The type was the first of them.
            Frame::Padding { octets } => match octets.checked_sub(1) {
                Some(more) => out.resize(out.len() + more, 0),
                None => _ = out.pop(),
            },
            Frame::Ping | Frame::HandshakeDone => {}
            Frame::Ack(ack) => write_ack(&ack, out),
            Frame::ResetStream { id, code, final_size } => numbers(out, [id.0, code, final_size]),
            Frame::StopSending { id, code } => numbers(out, [id.0, code]),
            Frame::Crypto { offset, data } => {
                numbers(out, [offset]);
                octets(out, data);
            }
            Frame::NewToken { token } => octets(out, token),
            Frame::Stream { id, offset, data, .. } => {
                numbers(out, [id.0]);
                if offset > 0 {
                    numbers(out, [offset]);
                }
                octets(out, data);
            }
            Frame::MaxData(value) | Frame::DataBlocked(value) => numbers(out, [value]),
            Frame::MaxStreamData { id, value } | Frame::StreamDataBlocked { id, value } => {
                numbers(out, [id.0, value]);
            }
            Frame::MaxStreams { value, .. } | Frame::StreamsBlocked { value, .. } => numbers(out, [value]),
            Frame::NewConnectionId { sequence, retire_prior_to, id, token } => {
                numbers(out, [sequence, retire_prior_to]);
                out.push(id.as_slice().len() as u8);
                out.extend_from_slice(id.as_slice());
                out.extend_from_slice(&token);
            }
            Frame::RetireConnectionId { sequence } => numbers(out, [sequence]),
            Frame::PathChallenge(data) | Frame::PathResponse(data) => out.extend_from_slice(&data),
            Frame::ConnectionClose { code, frame_type, reason } => {
                numbers(out, [code.value(), frame_type]);
                octets(out, reason);
            }
            Frame::ApplicationClose { code, reason } => {
                numbers(out, [code]);
                octets(out, reason);
            }
            Frame::Datagram { data } => octets(out, data),
        }
    }
}

fn write_ack(ack: &Ack<'_>, out: &mut Vec<u8>) {
    let more = ack.ranges().count().saturating_sub(1) as u64;
    numbers(out, [ack.largest, ack.delay, more, ack.first]);
    out.extend_from_slice(ack.rest);
    if let Some(ecn) = ack.ecn {
        numbers(out, [ecn.ect0, ecn.ect1, ecn.ce]);
    }
}

#[inline]
fn numbers<const N: usize>(out: &mut Vec<u8>, values: [u64; N]) {
    values.into_iter().for_each(|value| put_varint(out, value.min(VARINT_MAX)));
}

/// With their length in front.
#[inline]
fn octets(out: &mut Vec<u8>, octets: &[u8]) {
    put_varint(out, octets.len() as u64);
    out.extend_from_slice(octets);
}
