//! One framing, ready to use.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf as _, Bytes};
use wirelace_wire::Output;

use super::delimited::Delimited;
use super::error::SpecFrameError;
use super::netstring::Netstring;
use super::parts::{Parts, Step};
use super::prefixed::Prefixed;

/// How far an incomplete frame was looked at, so that input in small pieces costs linear time. One for each stream; it
/// begins anew with each frame.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    searched: usize,
    needed: usize,
}

impl Scan {
    /// For the beginning of a stream.
    #[must_use]
    pub const fn new() -> Scan {
        Scan { searched: 0, needed: 0 }
    }

    /// After `Ok(None)`: how many octets, counted from the start of the frame, there must be before decoding can get
    /// further, at least. A peer can say anything here, up to the maximum frame: do not allocate it all at once.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.needed
    }
}

/// A way to cut a stream into frames, checked when it was built; see the [module](super) for all of them.
#[derive(Debug, Clone)]
pub struct FrameSpec {
    framing: Framing,
}

#[derive(Debug, Clone)]
enum Framing {
    Prefixed(Prefixed),
    Netstring(Netstring),
    Delimited(Box<Delimited>),
}

/// A payload where it lies in the input, and the octets that its frame takes.
pub type Decoded<'a> = Option<(&'a [u8], usize)>;

impl FrameSpec {
    pub(super) const fn prefixed(prefixed: Prefixed) -> FrameSpec {
        FrameSpec { framing: Framing::Prefixed(prefixed) }
    }

    pub(super) const fn netstrings(netstring: Netstring) -> FrameSpec {
        FrameSpec { framing: Framing::Netstring(netstring) }
    }

    pub(super) fn ended(delimited: Delimited) -> FrameSpec {
        FrameSpec { framing: Framing::Delimited(Box::new(delimited)) }
    }

    /// The largest payload, in octets. It counts what [`decode`](FrameSpec::decode) hands out and
    /// [`encode`](FrameSpec::encode) takes, nothing else: no length field unless it is kept (`skip`), no delimiter, no
    /// checksum.
    #[must_use]
    pub const fn max_frame(&self) -> usize {
        match &self.framing {
            Framing::Prefixed(prefixed) => prefixed.max,
            Framing::Netstring(netstring) => netstring.max,
            Framing::Delimited(delimited) => delimited.max,
        }
    }

    #[inline]
    pub(crate) fn step(&self, input: &[u8], scan: &mut Scan) -> Result<Step, SpecFrameError> {
        let step = match &self.framing {
            Framing::Prefixed(prefixed) => prefixed.step(input)?,
            Framing::Netstring(netstring) => netstring.step(input)?,
            Framing::Delimited(delimited) => delimited.step(input, &mut scan.searched)?,
        };
        scan.needed = if let Step::More { needed } = step { needed } else { 0 };
        Ok(step)
    }

    /// As [`step`](FrameSpec::step), with no more input behind `input`; `More` only when that is empty.
    pub(crate) fn step_end(&self, input: &[u8], scan: &mut Scan) -> Result<Step, SpecFrameError> {
        let step = self.step(input, scan)?;
        let Step::More { needed } = step else { return Ok(step) };
        if input.is_empty() {
            return Ok(step);
        }
        if let Framing::Delimited(delimited) = &self.framing
            && let Some(last) = delimited.last(input)?
        {
            *scan = Scan::new();
            return Ok(last);
        }
        Err(SpecFrameError::Truncated { offset: input.len(), missing: needed.saturating_sub(input.len()) })
    }

    /// The payload in front of `input`, and how many octets its frame takes. `None`: more input is needed;
    /// `input` then has to begin with the same octets the next time.
    ///
    /// # Errors
    ///
    /// The frame is wrong or too long, seen as soon as its length is there. All later calls say the same.
    #[inline]
    pub fn decode<'a>(&self, input: &'a [u8], scan: &mut Scan) -> Result<Decoded<'a>, SpecFrameError> {
        self.step(input, scan).map(|step| lent(input, step))
    }

    /// As [`decode`](FrameSpec::decode) when nothing comes after `input`. Call it until it gives `None`: all octets are
    /// used up then.
    ///
    /// # Errors
    ///
    /// As [`decode`](FrameSpec::decode), or the last frame is cut.
    pub fn decode_end<'a>(&self, input: &'a [u8], scan: &mut Scan) -> Result<Decoded<'a>, SpecFrameError> {
        self.step_end(input, scan).map(|step| lent(input, step))
    }

    /// Splits the frame in front off `input`; its payload is a slice of the same memory. `None`: more input is needed,
    /// and nothing was taken.
    ///
    /// # Errors
    ///
    /// As [`decode`](FrameSpec::decode); nothing was taken.
    #[inline]
    pub fn decode_owned(&self, input: &mut Bytes, scan: &mut Scan) -> Result<Option<Bytes>, SpecFrameError> {
        let Step::Frame { start, end, taken } = self.step(input, scan)? else { return Ok(None) };
        let payload = input.slice(start..end);
        input.advance(taken);
        Ok(Some(payload))
    }

    /// The payloads of the complete frames in `input`, one after the other.
    #[must_use]
    pub const fn frames<'a>(&'a self, input: &'a [u8]) -> SpecFrames<'a> {
        SpecFrames { spec: self, rest: input, failed: false }
    }

    #[inline]
    pub(crate) fn parts(&self, payload: &[u8]) -> Result<Parts<'_>, SpecFrameError> {
        match &self.framing {
            Framing::Prefixed(prefixed) => prefixed.parts(payload),
            Framing::Netstring(netstring) => netstring.parts(payload),
            Framing::Delimited(delimited) => delimited.parts(payload),
        }
    }

    /// Appends the frame that carries `payload` to `out`.
    ///
    /// # Errors
    ///
    /// [`decode`](FrameSpec::decode) would not give this payload back; nothing is appended then.
    pub fn encode_into(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SpecFrameError> {
        let parts = self.parts(payload)?;
        out.reserve(parts.len().saturating_add(payload.len()));
        parts.put_front(out);
        out.extend_from_slice(payload);
        parts.put_back(out);
        Ok(())
    }

    /// Puts the frame that carries `payload` into `output`; a large payload is shared, not copied.
    ///
    /// # Errors
    ///
    /// [`decode`](FrameSpec::decode) would not give this payload back; nothing is put then.
    pub fn encode(&self, payload: Bytes, output: &mut Output) -> Result<(), SpecFrameError> {
        let parts = self.parts(&payload)?;
        parts.put_front(output.inline());
        output.put(payload);
        parts.put_back(output.inline());
        Ok(())
    }
}

#[inline]
fn lent(input: &[u8], step: Step) -> Decoded<'_> {
    match step {
        Step::Frame { start, end, taken } => Some((input.get(start..end).unwrap_or_default(), taken)),
        Step::More { .. } => None,
    }
}

/// The complete frames of a slice; it ends where more input is needed, and after an error.
#[derive(Debug, Clone)]
pub struct SpecFrames<'a> {
    spec: &'a FrameSpec,
    rest: &'a [u8],
    failed: bool,
}

impl<'a> SpecFrames<'a> {
    /// What has not been taken: the beginning of a frame, or what is wrong.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for SpecFrames<'a> {
    type Item = Result<&'a [u8], SpecFrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.spec.decode(self.rest, &mut Scan::new()) {
            Ok(decoded) => {
                let (payload, taken) = decoded?;
                self.rest = self.rest.get(taken..).unwrap_or_default();
                Some(Ok(payload))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}
