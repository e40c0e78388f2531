//! `decode http2`: the frames of one direction of a connection (RFC 9113).

use std::io::Write;

use wirelace::http2_frames::{Dependency, FRAME_HEADER_LEN, Flags, Frame, FrameHeader, FrameType, PREFACE};
use wirelace::semantics::Priority;

use super::hpack::Blocks;
use super::tree::{Plain, Quoted, Tree};
use super::wrong::{Stop, wrong};

/// Writes the tree of all frames in `input`.
pub(super) fn decode(input: &[u8], tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let mut at = 0;
    if input.starts_with(PREFACE) {
        tree.line(0, "RFC 9113 §3.4", format_args!("preface of a client: {}", Plain(PREFACE)))?;
        at = PREFACE.len();
    } else if input.starts_with(b"PRI ") {
        let same = input.iter().zip(PREFACE).take_while(|(byte, expected)| byte == expected).count();
        return Err(wrong(same, "expected the preface of a client (RFC 9113 §3.4)"));
    }
    let mut decoder = Decoder { tree, blocks: Blocks::new(), open: None };
    while at < input.len() {
        at = decoder.frame(input, at)?;
    }
    match decoder.open {
        Some(open) => {
            let rule =
                format!("the input ends within a field block of stream {} (RFC 9113 §4.3)", open.stream);
            Err(wrong(input.len(), rule))
        }
        None => Ok(()),
    }
}

/// A field block of which more is to come.
struct Open {
    stream: u32,
    bytes: Vec<u8>,
    /// Where its parts lie.
    at: Vec<(usize, usize)>,
}

struct Decoder<'a, W> {
    tree: &'a mut Tree<W>,
    blocks: Blocks,
    open: Option<Open>,
}

impl<W: Write> Decoder<'_, W> {
    /// One frame; returns where the next begins.
    fn frame(&mut self, input: &[u8], at: usize) -> Result<usize, Stop> {
        let rest = input.get(at..).unwrap_or_default();
        let Some(header) = FrameHeader::read(rest) else {
            return Err(wrong(input.len(), "the input ends within a frame header (RFC 9113 §4.1)"));
        };
        let start = at + FRAME_HEADER_LEN;
        let end = start + header.length as usize;
        let text = format_args!(
            "{}, {} octets{}, {}",
            header.frame_type,
            header.length,
            Named(header),
            Stream(header.stream)
        );
        self.tree.open(at, section(header.frame_type), text)?;
        let Some(payload) = input.get(start..end) else {
            let missing = end - input.len();
            let rule =
                format!("the input ends within a frame, {missing} octets before its end (RFC 9113 §4.1)");
            return Err(wrong(input.len(), rule));
        };
        let frame = Frame::parse(header, payload).map_err(|error| {
            wrong(start + error.offset(), format_args!("{} ({})", error.rule(), error.code()))
        })?;
        let continues = header.frame_type == FrameType::CONTINUATION;
        match &self.open {
            Some(open) if !continues || open.stream != header.stream => {
                let rule = format!(
                    "{} within the field block of stream {} (RFC 9113 §6.10)",
                    header.frame_type, open.stream
                );
                return Err(wrong(at, rule));
            }
            None if continues => {
                return Err(wrong(at, "CONTINUATION that continues nothing (RFC 9113 §6.10)"));
            }
            _ => {}
        }
        self.payload(frame, payload, start)?;
        self.tree.close();
        Ok(end)
    }

    fn payload(&mut self, frame: Frame<'_>, payload: &[u8], start: usize) -> Result<(), Stop> {
        match frame {
            Frame::Data { data, flow_length, .. } => {
                let padding = flow_length as usize - data.len();
                let offset = start + usize::from(padding > 0);
                self.padding(padding, start)?;
                self.tree.line(offset, "RFC 9113 §6.1", format_args!("data: {}", Quoted(data)))?;
            }
            Frame::Headers { stream, fragment, dependency, end_headers, .. } => {
                let fixed = 5 * usize::from(dependency.is_some());
                let padding = payload.len() - fragment.len() - fixed;
                self.padding(padding, start)?;
                let before = usize::from(padding > 0);
                if let Some(dependency) = dependency {
                    self.dependency(dependency, start + before)?;
                }
                let before = before + fixed;
                self.block(stream, fragment, start + before, end_headers)?;
            }
            Frame::Priority { dependency, .. } => self.dependency(dependency, start)?,
            Frame::RstStream { code, .. } => {
                self.tree.line(start, "RFC 9113 §7", format_args!("error code: {code} ({:#x})", code.0))?;
            }
            Frame::Settings { settings, .. } => {
                for (number, (setting, value)) in settings.iter().enumerate() {
                    let text = format_args!("{setting} = {value}");
                    self.tree.line(start + number * 6, "RFC 9113 §6.5.2", text)?;
                }
            }
            Frame::PushPromise { stream, promised, fragment, end_headers } => {
                let padding = payload.len() - fragment.len() - 4;
                self.padding(padding, start)?;
                let before = usize::from(padding > 0);
                self.tree.line(
                    start + before,
                    "RFC 9113 §6.6",
                    format_args!("promises stream {promised}"),
                )?;
                self.block(stream, fragment, start + before + 4, end_headers)?;
            }
            Frame::Ping { data, .. } => {
                self.tree.line(start, "RFC 9113 §6.7", format_args!("opaque data: {}", Quoted(&data)))?;
            }
            Frame::GoAway { last_stream, code, debug } => {
                self.tree.line(start, "RFC 9113 §6.8", format_args!("last stream: {last_stream}"))?;
                let text = format_args!("error code: {code} ({:#x})", code.0);
                self.tree.line(start + 4, "RFC 9113 §7", text)?;
                if !debug.is_empty() {
                    self.tree.line(
                        start + 8,
                        "RFC 9113 §6.8",
                        format_args!("debug data: {}", Quoted(debug)),
                    )?;
                }
            }
            Frame::WindowUpdate { increment, .. } => {
                self.tree.line(start, "RFC 9113 §6.9", format_args!("window increment: {increment}"))?;
            }
            Frame::Continuation { stream, fragment, end_headers } => {
                self.block(stream, fragment, start, end_headers)?;
            }
            Frame::PriorityUpdate { stream, value } => {
                self.tree.line(start, "RFC 9218 §7.1", format_args!("prioritises stream {stream}"))?;
                let priority = Priority::parse(value);
                let shared = if priority.is_incremental() { "incremental" } else { "as a whole" };
                let text = format_args!("{} (urgency {}, {shared})", Quoted(value), priority.urgency());
                self.tree.line(start + 4, "RFC 9218 §4", text)?;
            }
            Frame::AltSvc { origin, value, .. } => {
                self.tree.line(start, "RFC 7838 §4", format_args!("origin: {}", Quoted(origin)))?;
                let text = format_args!("Alt-Svc: {}", Plain(value));
                self.tree.line(start + 2 + origin.len(), "RFC 7838 §3", text)?;
            }
            Frame::Origin { origins } => {
                let mut at = start;
                for origin in origins.iter() {
                    self.tree.line(at, "RFC 8336 §2", format_args!("origin: {}", Quoted(origin)))?;
                    at += 2 + origin.len();
                }
            }
            // Ignored by whoever receives it (RFC 9113 §5.5).
            _ => self.tree.line(start, "RFC 9113 §5.5", format_args!("payload: {}", Quoted(payload)))?,
        }
        Ok(())
    }

    /// `octets`: the length octet of the padding and the padding itself.
    fn padding(&mut self, octets: usize, start: usize) -> Result<(), Stop> {
        if octets > 0 {
            self.tree.line(
                start,
                "RFC 9113 §6.1",
                format_args!("padding: {} octets at the end", octets - 1),
            )?;
        }
        Ok(())
    }

    fn dependency(&mut self, dependency: Dependency, at: usize) -> Result<(), Stop> {
        let how = if dependency.exclusive { ", exclusive" } else { "" };
        let weight = u16::from(dependency.weight) + 1;
        let text =
            format_args!("depends on stream {}{how}, weight {weight} (not used any more)", dependency.stream);
        Ok(self.tree.line(at, "RFC 9113 §5.3.2", text)?)
    }

    fn block(&mut self, stream: u32, fragment: &[u8], at: usize, end: bool) -> Result<(), Stop> {
        let mut open = self.open.take().unwrap_or(Open { stream, bytes: Vec::new(), at: Vec::new() });
        open.at.push((open.bytes.len(), at));
        open.bytes.extend_from_slice(fragment);
        if !end {
            let text = format_args!("part of a field block, {} octets", fragment.len());
            self.tree.line(at, "RFC 9113 §4.3", text)?;
            self.open = Some(open);
            return Ok(());
        }
        self.blocks.decode(&open.bytes, &open.at, self.tree)
    }
}

fn section(frame_type: FrameType) -> &'static str {
    match frame_type {
        FrameType::DATA => "RFC 9113 §6.1",
        FrameType::HEADERS => "RFC 9113 §6.2",
        FrameType::PRIORITY => "RFC 9113 §6.3",
        FrameType::RST_STREAM => "RFC 9113 §6.4",
        FrameType::SETTINGS => "RFC 9113 §6.5",
        FrameType::PUSH_PROMISE => "RFC 9113 §6.6",
        FrameType::PING => "RFC 9113 §6.7",
        FrameType::GOAWAY => "RFC 9113 §6.8",
        FrameType::WINDOW_UPDATE => "RFC 9113 §6.9",
        FrameType::CONTINUATION => "RFC 9113 §6.10",
        FrameType::PRIORITY_UPDATE => "RFC 9218 §7.1",
        FrameType::ALTSVC => "RFC 7838 §4",
        FrameType::ORIGIN => "RFC 8336 §2",
        _ => "RFC 9113 §4.1",
    }
}

/// A frame's stream in words.
struct Stream(u32);

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("the connection"),
            stream => write!(f, "stream {stream}"),
        }
    }
}

/// A frame's flags by name; those that mean nothing as a number.
struct Named(FrameHeader);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: &[(Flags, &str)] = match self.0.frame_type {
            FrameType::DATA => &[(Flags::END_STREAM, "END_STREAM"), (Flags::PADDED, "PADDED")],
            FrameType::HEADERS => &[
                (Flags::END_STREAM, "END_STREAM"),
                (Flags::END_HEADERS, "END_HEADERS"),
                (Flags::PADDED, "PADDED"),
                (Flags::PRIORITY, "PRIORITY"),
            ],
            FrameType::PUSH_PROMISE => &[(Flags::END_HEADERS, "END_HEADERS"), (Flags::PADDED, "PADDED")],
            FrameType::CONTINUATION => &[(Flags::END_HEADERS, "END_HEADERS")],
            FrameType::SETTINGS | FrameType::PING => &[(Flags::ACK, "ACK")],
            _ => &[],
        };
        let mut left = self.0.flags.0;
        for (flag, name) in all.iter().filter(|(flag, _)| self.0.flags.contains(*flag)) {
            left &= !flag.0;
            write!(f, ", {name}")?;
        }
        if left != 0 {
            write!(f, ", undefined flags {left:#x}")?;
        }
        Ok(())
    }
}
