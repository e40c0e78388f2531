//! Frames in one line each, for `-v`.

use std::fmt::Write as _;

use wirelace::runtime::frame::{Observer, Way};
use wirelace::wire_codec::base::{self, FrameType, HEADER_LEN, Header};
use wirelace::wire_codec::extended::{self, Checksum, Frame, Rules};

use crate::voice::Voice;

/// Characters of a payload that are shown.
const SHOWN: usize = 60;

/// Shows the datagrams; `None` where nobody looks.
pub(super) fn observer(voice: Voice) -> Option<Observer> {
    voice.is_verbose().then(|| {
        Observer::new(move |way, peer, datagram| {
            let sign = if way == Way::In { '<' } else { '>' };
            voice.detail(format_args!("{sign} {peer} {}", line(datagram)));
        })
    })
}

/// What the first frame in these octets says, as far as it is there.
pub(super) fn line(octets: &[u8]) -> String {
    let Some(header) = Header::decode(octets) else { return format!("{} octets, no frame", octets.len()) };
    let mut text = match header.version {
        base::VERSION => {
            let payload = octets.get(HEADER_LEN..).unwrap_or_default();
            let payload = payload.get(..header.length as usize).unwrap_or(payload);
            format!("{}{}", header.kind, quoted(payload))
        }
        extended::VERSION => {
            let rules = Rules { max_length: usize::MAX, checksum: Checksum::Either };
            match extended::decode(octets, rules) {
                Ok(Some((frame, _))) => extended_line(&frame),
                Ok(None) => format!("{}, of which {} octets are here", header.kind, octets.len()),
                Err(error) => format!("{}: {error}", header.kind),
            }
        }
        version => format!("version {version}, {}", header.kind),
    };
    let _ = write!(text, ", {} octets", header.length);
    text
}

fn extended_line(frame: &Frame<&[u8]>) -> String {
    let id = frame.id();
    match frame {
        Frame::Ping { answer: false, .. } => "ping".to_owned(),
        Frame::Ping { .. } => "pong".to_owned(),
        Frame::Request { timeout: Some(timeout), payload, .. } => {
            format!("request {id} within {timeout} ms{}", quoted(payload))
        }
        Frame::Request { payload, .. } => format!("request {id}{}", quoted(payload)),
        Frame::Response { payload, .. } => format!("response {id}{}", quoted(payload)),
        Frame::Data { payload, .. } => format!("data {id}{}", quoted(payload)),
        Frame::Error { code, text, .. } => format!("error {id} {code}{}", quoted(text)),
        Frame::Credit { bytes, .. } => format!("credit {id} of {bytes}"),
        Frame::Cancel { code, .. } => format!("cancel {id} {code}"),
        Frame::GoAway { code, text, .. } => format!("go away {code}{}", quoted(text)),
        Frame::Message { payload } => format!("message{}", quoted(payload)),
        Frame::Unknown { kind: FrameType(kind), .. } => format!("unknown type {kind:#04x} {id}"),
    }
}

fn quoted(payload: &[u8]) -> String {
    if payload.is_empty() {
        return String::new();
    }
    let text = String::from_utf8_lossy(payload.get(..SHOWN * 4).unwrap_or(payload));
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < payload.len() && shown.len() < text.len() || payload.len() > SHOWN * 4 {
        "…"
    } else {
        ""
    };
    format!(" \"{}\"{more}", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (octets, shown) in [
            (&b"\x0a\x02\0\0\0\x05hello"[..], "request (0x02) \"hello\", 5 octets"),
            (b"\x0a\x01\0\0\0\0", "heartbeat (0x01), 0 octets"),
            (b"\x0a\x03\0\0\0\x09he\n", "response (0x03) \"he\\n\", 9 octets"),
            (b"\x63\x02\0\0\0\0", "version 99, request (0x02), 0 octets"),
            (b"\x14\x02\0\0\0\x02\x80\x07", "request (0x02): flags 0x80"),
            (b"\x14\x02\0\0\0\x07\x01\x07hello", "request 7 \"hello\", 7 octets"),
            (b"\x14\x01\0\0\0\x02\x01\0", "pong, 2 octets"),
            (b"\x14\x02\0\0\0\x07\x01\x07", "request (0x02), of which 8 octets are here, 7 octets"),
            (b"\x0a\x02", "2 octets, no frame"),
        ] {
            assert!(line(octets).starts_with(shown), "{}", line(octets));
        }
        let long = [&b"\x0a\x02\0\0\x01\0"[..], &[b'x'; 256]].concat();
        assert_eq!(line(&long), format!("request (0x02) \"{}\"…, 256 octets", "x".repeat(SHOWN)));
    }
}
