//! Frames as machines write them.

use alloc::vec::Vec;

use crate::encode::{begin, finish, put_number31};
use crate::error_code::ErrorCode;
use crate::frame::Frame;
use crate::header::{Flags, FrameHeader, FrameType, MAX_PAYLOAD};
use crate::settings::SettingId;

/// Appends the header of DATA whose `len` octets follow without padding; below 2²⁴ (RFC 9113 §6.1).
#[inline]
pub fn write_data_header(out: &mut Vec<u8>, stream: u32, len: usize, end_stream: bool) {
    let flags = Flags::END_STREAM.when(end_stream);
    FrameHeader { length: len as u32, frame_type: FrameType::DATA, flags, stream }.write(out);
}

/// Appends a field block as HEADERS, and CONTINUATION where it is larger than `max_frame` octets (RFC 9113 §6.2,
/// §6.10).
#[inline]
pub fn write_headers(out: &mut Vec<u8>, stream: u32, block: &[u8], end_stream: bool, max_frame: usize) {
    let flags = Flags::END_STREAM.when(end_stream);
    let max_frame = max_frame.clamp(1, MAX_PAYLOAD as usize);
    let (first, rest) = block.split_at_checked(max_frame).unwrap_or((block, &[]));
    let all = Flags::END_HEADERS.when(rest.is_empty());
    FrameHeader { length: first.len() as u32, frame_type: FrameType::HEADERS, flags: flags | all, stream }
        .write(out);
    out.extend_from_slice(first);
    if !rest.is_empty() {
        write_continuations(out, stream, rest, max_frame);
    }
}

/// Appends a promise (RFC 9113 §6.6), and CONTINUATION where its block does not fit into a frame of `max_frame`
/// octets.
pub fn write_push_promise(out: &mut Vec<u8>, stream: u32, promised: u32, block: &[u8], max_frame: usize) {
    let max_frame = max_frame.clamp(5, MAX_PAYLOAD as usize);
    let (first, rest) = block.split_at_checked(max_frame - 4).unwrap_or((block, &[]));
    Frame::PushPromise { stream, promised, fragment: first, end_headers: rest.is_empty() }.write(out);
    write_continuations(out, stream, rest, max_frame);
}

fn write_continuations(out: &mut Vec<u8>, stream: u32, block: &[u8], max_frame: usize) {
    let mut chunks = block.chunks(max_frame).peekable();
    while let Some(fragment) = chunks.next() {
        Frame::Continuation { stream, fragment, end_headers: chunks.peek().is_none() }.write(out);
    }
}

/// Appends SETTINGS (RFC 9113 §6.5).
pub fn write_settings(out: &mut Vec<u8>, settings: &[(SettingId, u32)]) {
    let start = begin(out);
    for (id, value) in settings {
        out.extend_from_slice(&id.0.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
    finish(out, start, FrameType::SETTINGS, Flags::NONE, 0);
}

/// Appends the acknowledgement of SETTINGS (RFC 9113 §6.5.3).
pub fn write_settings_ack(out: &mut Vec<u8>) {
    FrameHeader { length: 0, frame_type: FrameType::SETTINGS, flags: Flags::ACK, stream: 0 }.write(out);
}

/// Appends PING (RFC 9113 §6.7).
pub fn write_ping(out: &mut Vec<u8>, ack: bool, data: [u8; 8]) {
    Frame::Ping { ack, data }.write(out);
}

/// Appends RST_STREAM (RFC 9113 §6.4).
pub fn write_rst_stream(out: &mut Vec<u8>, stream: u32, code: ErrorCode) {
    Frame::RstStream { stream, code }.write(out);
}

/// Appends WINDOW_UPDATE (RFC 9113 §6.9).
#[inline]
pub fn write_window_update(out: &mut Vec<u8>, stream: u32, increment: u32) {
    FrameHeader { length: 4, frame_type: FrameType::WINDOW_UPDATE, flags: Flags::NONE, stream }.write(out);
    put_number31(out, increment);
}

/// Appends GOAWAY (RFC 9113 §6.8).
pub fn write_goaway(out: &mut Vec<u8>, last_stream: u32, code: ErrorCode, debug: &[u8]) {
    Frame::GoAway { last_stream, code, debug }.write(out);
}

/// Appends ORIGIN (RFC 8336 §2). An origin of 2¹⁶ octets or more is left out.
pub fn write_origin(out: &mut Vec<u8>, origins: &[&[u8]]) {
    let start = begin(out);
    for origin in origins {
        if let Ok(length) = u16::try_from(origin.len()) {
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(origin);
        }
    }
    finish(out, start, FrameType::ORIGIN, Flags::NONE, 0);
}
