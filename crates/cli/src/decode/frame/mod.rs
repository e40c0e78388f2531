//! `decode frame`: frames of the base form, the hello, and frames of the extended form, one after the other.

mod extended;
mod fields;
mod hello;

use std::io::Write;

use wirelace::wire_codec::base::{self, FrameType, HEADER_LEN, Header};
use wirelace::wire_codec::extended::{Checksum, Hello, MAGIC, Role};

use super::tree::{Quoted, Tree};
use super::wrong::{Stop, wrong};
use fields::{BASE, Versioned};

/// What is known while frames follow each other.
struct Decoder<'a, W> {
    input: &'a [u8],
    at: usize,
    tree: &'a mut Tree<W>,
    frames: usize,
    /// The version of the first frame that is no hello: all others have it, too.
    version: Option<u8>,
    hellos: Vec<Hello>,
    checksum: Checksum,
}

/// Writes the tree of all frames in `input`.
pub(super) fn decode(input: &[u8], tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let mut decoder = Decoder {
        input,
        at: 0,
        tree,
        frames: 0,
        version: None,
        hellos: Vec::new(),
        checksum: Checksum::Either,
    };
    while decoder.at < input.len() {
        decoder.frame()?;
    }
    Ok(())
}

impl<W: Write> Decoder<'_, W> {
    fn frame(&mut self) -> Result<(), Stop> {
        self.frames += 1;
        let rest = self.input.get(self.at..).unwrap_or_default();
        let version = rest.first().copied().unwrap_or_default();
        self.check_version(version)?;
        let section = fields::form(version);
        let Some(header) = Header::decode(rest) else {
            self.tree.open(self.at, section, format_args!("frame {}", self.frames))?;
            let missing = HEADER_LEN - rest.len();
            let rule = format_args!("the input ends within the header, {missing} bytes before its end");
            return Err(wrong(self.input.len(), rule));
        };
        let end = (header.length as usize).saturating_add(HEADER_LEN);
        let whole = rest.get(..end);
        let octets = whole.unwrap_or(rest);
        let hello = is_hello(&header, octets);
        let name = fields::name(version, header.kind);
        let shown = if hello { "hello" } else { name };
        self.tree.open(self.at, section, format_args!("frame {}: {shown}", self.frames))?;
        self.tree.line(self.at, section, format_args!("version: {version} ({})", Versioned(version)))?;
        let FrameType(kind) = header.kind;
        let note = fields::note(version, header.kind);
        self.tree.line(self.at + 1, section, format_args!("type: {kind:#04x} ({name}){note}"))?;
        self.tree.line(self.at + 2, section, format_args!("length: {}", header.length))?;
        if whole.is_none() {
            let missing = end - rest.len();
            let rule = format_args!("the input ends within the frame, {missing} bytes before its end");
            return Err(wrong(self.input.len(), rule));
        }
        match (hello, version) {
            (true, _) => self.hello(octets)?,
            (false, base::VERSION) => self.base(header.kind, octets)?,
            _ => extended::decode(octets, self.at, self.checksum, self.tree)?,
        }
        if !hello {
            self.version = Some(version);
        }
        self.tree.close();
        self.at += end;
        Ok(())
    }

    /// Both directions of one connection have one version, from the first frame that is no hello on.
    fn check_version(&self, version: u8) -> Result<(), Stop> {
        let known = matches!(version, base::VERSION | wirelace::wire_codec::extended::VERSION);
        match self.version {
            None if known => Ok(()),
            None => Err(wrong(self.at, format_args!("version {version}, expected 10 or 20"))),
            Some(expected) if expected == version => Ok(()),
            Some(expected) => Err(wrong(
                self.at,
                format_args!("version {version}, expected {expected} as in the frames before"),
            )),
        }
    }

    fn base(&mut self, kind: FrameType, octets: &[u8]) -> Result<(), Stop> {
        let payload = octets.get(HEADER_LEN..).unwrap_or_default();
        if !payload.is_empty() {
            let text = format_args!("payload, {} bytes: {}", payload.len(), Quoted(payload));
            self.tree.line(self.at + HEADER_LEN, BASE, text)?;
        }
        let frame = base::Frame { kind, payload };
        match frame.text() {
            Err(error) if kind == FrameType::ERROR => {
                Err(wrong(self.at + error.offset(), "the text of an error is not UTF-8"))
            }
            _ => Ok(()),
        }
    }

    fn hello(&mut self, octets: &[u8]) -> Result<(), Stop> {
        // The first frame of each direction: both are in a record of the connection.
        let initiator_alone =
            matches!(self.hellos.as_slice(), [only] if only.role == Role::Initiator) && self.frames == 2;
        if self.frames != 1 && !initiator_alone {
            return Err(wrong(self.at + HEADER_LEN, "a hello that is not the first frame"));
        }
        let payload = octets.get(HEADER_LEN..).unwrap_or_default();
        let hello = hello::decode(payload, self.at + HEADER_LEN, self.tree)?;
        self.hellos.push(hello);
        self.checksum = match self.hellos.as_slice() {
            [first, second] if first.checksum && second.checksum => Checksum::On,
            // The other side may not want it.
            [hello] if hello.checksum => Checksum::Either,
            _ => Checksum::Off,
        };
        Ok(())
    }
}

fn is_hello(header: &Header, octets: &[u8]) -> bool {
    let payload = octets.get(HEADER_LEN..).unwrap_or_default();
    header.version == base::VERSION && header.kind == FrameType::HEARTBEAT && payload.starts_with(&MAGIC)
}
