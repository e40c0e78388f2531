//! `decode http2`: the frames of one direction of a connection (RFC 9113).

mod names;

use std::io::Write;

use wirelace::http2_frames::{
    Dependency, FRAME_HEADER_LEN, Frame, FrameHeader, FrameType, Origins, PREFACE, Settings,
};
use wirelace::semantics::Priority;
use wirelace::semantics::structured::Dictionary;

use super::hpack::Blocks;
use super::tree::{Count, Plain, Quoted, Tree};
use super::wrong::{Stop, wrong};
use names::{Named, Stream, section, setting_rule, setting_section};

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
    if at > 0 && FrameHeader::read(&input[at..]).is_some_and(|first| first.frame_type != FrameType::SETTINGS)
    {
        return Err(wrong(at + 3, "expected SETTINGS behind the preface (RFC 9113 §3.4)"));
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
    /// Where its parts begin, in the block and in the input.
    parts: Vec<(usize, usize)>,
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
            "{}, {}{}, {}",
            header.frame_type,
            Count(header.length as usize, "octet"),
            Named(header),
            Stream(header.stream)
        );
        self.tree.open(at, section(header.frame_type), text)?;
        let Some(payload) = input.get(start..end) else {
            let missing = Count(end - input.len(), "octet");
            let rule = format!("the input ends within a frame, {missing} before its end (RFC 9113 §4.1)");
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
                self.padding(padding, payload, start)?;
                self.tree.line(offset, "RFC 9113 §6.1", format_args!("data: {}", Quoted(data)))?;
            }
            Frame::Headers { stream, fragment, dependency, end_headers, .. } => {
                let fixed = 5 * usize::from(dependency.is_some());
                let padding = payload.len() - fragment.len() - fixed;
                self.padding(padding, payload, start)?;
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
            Frame::Settings { settings, .. } => self.settings(settings, start)?,
            Frame::PushPromise { stream, promised, fragment, end_headers } => {
                let padding = payload.len() - fragment.len() - 4;
                self.padding(padding, payload, start)?;
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
                self.priority(value, start + 4)?;
            }
            Frame::AltSvc { stream, origin, value } => {
                let ignored = match (stream, origin) {
                    (0, b"") => " (ignored: an origin is needed)",
                    (1.., [_, ..]) => " (ignored: the stream has one)",
                    _ => "",
                };
                self.tree.line(start, "RFC 7838 §4", format_args!("origin: {}{ignored}", Quoted(origin)))?;
                let text = format_args!("Alt-Svc: {}", Plain(value));
                self.tree.line(start + 2 + origin.len(), "RFC 7838 §3", text)?;
            }
            Frame::Origin { origins } => self.origins(origins, start)?,
            _ => {
                let text = format_args!("payload, to be ignored: {}", Quoted(payload));
                self.tree.line(start, "RFC 9113 §5.5", text)?;
            }
        }
        Ok(())
    }

    fn settings(&mut self, settings: Settings<'_>, start: usize) -> Result<(), Stop> {
        for (number, (id, value)) in settings.iter().enumerate() {
            let at = start + number * 6;
            self.tree.line(at, setting_section(id), format_args!("{id} = {value}"))?;
            if let Some((range, code)) = setting_rule(id, value) {
                let rule = format!("{id} = {value}, expected {range} ({}) ({code})", setting_section(id));
                return Err(wrong(at + 2, rule));
            }
        }
        Ok(())
    }

    fn priority(&mut self, value: &[u8], at: usize) -> Result<(), Stop> {
        let priority = Priority::parse(value);
        let shared = if priority.is_incremental() { "incremental" } else { "as a whole" };
        let broken = if Dictionary::parse(value).is_err() { "no dictionary, so " } else { "" };
        let text = format_args!("{} ({broken}urgency {}, {shared})", Quoted(value), priority.urgency());
        Ok(self.tree.line(at, "RFC 9218 §4", text)?)
    }

    fn origins(&mut self, origins: Origins<'_>, start: usize) -> Result<(), Stop> {
        let mut at = start;
        for origin in origins.iter() {
            self.tree.line(at, "RFC 8336 §2", format_args!("origin: {}", Quoted(origin)))?;
            at += 2 + origin.len();
        }
        let end = start + origins.as_bytes().len();
        if at < end {
            return Err(wrong(end, "the frame ends within an origin (RFC 8336 §2)"));
        }
        Ok(())
    }

    /// `octets`: the length octet of the padding, in front, and the padding itself, at the end.
    fn padding(&mut self, octets: usize, payload: &[u8], start: usize) -> Result<(), Stop> {
        let Some(octets) = octets.checked_sub(1) else { return Ok(()) };
        let padding = payload.iter().rev().take(octets);
        // Receivers may refuse it (RFC 9113 §6.1).
        let odd = if padding.copied().any(|octet| octet != 0) { ", not all of them zero" } else { "" };
        let text = format_args!("padding: {} at the end{odd}", Count(octets, "octet"));
        Ok(self.tree.line(start, "RFC 9113 §6.1", text)?)
    }

    fn dependency(&mut self, dependency: Dependency, at: usize) -> Result<(), Stop> {
        let how = if dependency.exclusive { ", exclusive" } else { "" };
        let weight = u16::from(dependency.weight) + 1;
        let text =
            format_args!("depends on stream {}{how}, weight {weight} (not used any more)", dependency.stream);
        Ok(self.tree.line(at, "RFC 9113 §5.3.2", text)?)
    }

    fn block(&mut self, stream: u32, fragment: &[u8], at: usize, end: bool) -> Result<(), Stop> {
        let mut open = self.open.take().unwrap_or(Open { stream, bytes: Vec::new(), parts: Vec::new() });
        open.parts.push((open.bytes.len(), at));
        open.bytes.extend_from_slice(fragment);
        if !end {
            let text = format_args!("part of a field block, {}", Count(fragment.len(), "octet"));
            self.tree.line(at, "RFC 9113 §4.3", text)?;
            self.open = Some(open);
            return Ok(());
        }
        self.blocks.decode(&open.bytes, &open.parts, self.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    fn frames() -> Vec<Vec<u8>> {
        vec![
            frame(4, 0, 0, b"\0\x02\0\0\0\0\0\x05\0\0\x40\0"),
            frame(
                1,
                0x29,
                1,
                b"\x01\x80\0\0\x03\x0f\x20\x3f\xe1\x1f\x82\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\0",
            ),
            frame(9, 4, 1, b"\xa0\xab\x90\xf4\xff\xbe\x10\x01x\x03yes"),
            frame(0, 9, 1, b"\x03hello\0\0\0"),
            frame(5, 0x0c, 1, b"\x01\0\0\0\x02\x82\xbe\0"),
            frame(8, 0, 0, b"\0\0\x01\0"),
            frame(10, 0, 0, b"\0\x01ah3=\":443\""),
            frame(12, 0, 0, b"\0\x01a\0\x01b"),
            frame(16, 0, 0, b"\0\0\0\x05u=0, i"),
            frame(7, 0, 0, b"\0\0\0\x01\0\0\0\x0bcalm"),
        ]
    }

    /// Where and why it stops.
    fn stop(input: &[u8]) -> Option<(usize, String)> {
        let mut tree = Tree::new(Vec::new());
        match decode(input, &mut tree) {
            Ok(()) => None,
            Err(Stop::Wrong { offset, rule }) => {
                assert!(offset <= input.len() && rule.contains("RFC "), "byte {offset}: {rule}");
                Some((offset, rule))
            }
            Err(Stop::Output(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_cut_ends_at_its_end() {
        let mut ends = vec![0, PREFACE.len()];
        let mut input = PREFACE.to_vec();
        for frame in frames() {
            input.extend(frame);
            ends.push(input.len());
        }
        // Between the parts of a block nothing may end.
        let within = ends.remove(3);
        for len in 0..=input.len() {
            let stopped = stop(&input[..len]);
            match ends.contains(&len) {
                true => assert_eq!(stopped, None, "{len} octets"),
                false => assert_eq!(stopped.expect("it is cut").0, len, "{len} of {within}"),
            }
        }
    }

    #[test]
    fn what_is_changed_is_read_or_refused() {
        let input = frames().concat();
        let mut refused = 0;
        for at in 0..input.len() {
            for bit in 0..8 {
                let mut changed = input.clone();
                changed[at] ^= 1 << bit;
                refused += usize::from(stop(&changed).is_some());
            }
        }
        assert!(refused > input.len(), "{refused} of {} changes", input.len() * 8);
    }
}
