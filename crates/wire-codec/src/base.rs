//! The base form: six octets of header and a payload.

use alloc::vec::Vec;
use core::fmt;
use core::str;

use bytes::{Buf as _, Bytes, BytesMut};
use nom::IResult;
use wirelace_wire::Output;
use wirelace_wire::error::ParseError;
use wirelace_wire::number::array;

use crate::error::{DecodeError, TooLong};

/// Octets of a header.
pub const HEADER_LEN: usize = 6;

/// The version of the base form: 1.0, as decimal major and minor.
pub const VERSION: u8 = 10;

/// What a frame is, one octet. Values that are not known here are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameType(pub u8);

impl FrameType {
    /// A sign of life, answered with another.
    pub const HEARTBEAT: FrameType = FrameType(0x01);
    /// A request.
    pub const REQUEST: FrameType = FrameType(0x02);
    /// The response to the oldest request that has none.
    pub const RESPONSE: FrameType = FrameType(0x03);
    /// Text that says why there is no response.
    pub const ERROR: FrameType = FrameType(0x04);

    /// A lower-case name; `"unknown"` for a type that the base form does not have.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FrameType::HEARTBEAT => "heartbeat",
            FrameType::REQUEST => "request",
            FrameType::RESPONSE => "response",
            FrameType::ERROR => "error",
            _ => "unknown",
        }
    }
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#04x})", self.name(), self.0)
    }
}

/// The six octets in front of every frame, of both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Decimal major and minor: 10 is 1.0, the base form; 20 is 2.0, the extended one.
    pub version: u8,
    /// What the frame is.
    pub kind: FrameType,
    /// Octets after the header.
    pub length: u32,
}

impl Header {
    /// The nom parser; it checks nothing.
    #[inline]
    fn parse(input: &[u8]) -> IResult<&[u8], Header, ParseError> {
        let (rest, octets) = array::<HEADER_LEN>(input)?;
        Ok((rest, Header::of(*octets)))
    }

    /// The header in front of `input`; `None` when that has fewer than six octets. It checks nothing.
    #[inline]
    #[must_use]
    pub fn decode(input: &[u8]) -> Option<Header> {
        input.first_chunk().map(|octets| Header::of(*octets))
    }

    #[inline]
    const fn of([version, kind, a, b, c, d]: [u8; HEADER_LEN]) -> Header {
        Header { version, kind: FrameType(kind), length: u32::from_be_bytes([a, b, c, d]) }
    }

    /// The octets on the wire.
    #[inline]
    #[must_use]
    pub const fn encode(&self) -> [u8; HEADER_LEN] {
        let [a, b, c, d] = self.length.to_be_bytes();
        [self.version, self.kind.0, a, b, c, d]
    }
}

/// A frame of the base form; `P` is `&[u8]` where it lies in the input, [`Bytes`] where it owns a slice of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<P> {
    /// What it is.
    pub kind: FrameType,
    /// What it carries.
    pub payload: P,
}

/// A frame and the octets that it takes; `None`: more input is needed.
pub type Decoded<F> = Option<(F, usize)>;

/// Decodes the frame in front of `input` where it lies: the frame, and how many octets it takes. `None`: more input
/// is needed.
///
/// # Errors
///
/// Another version than [`VERSION`], seen from the first octet on, or a payload of more than `max_payload` octets,
/// seen as soon as the header is there.
#[inline]
pub fn decode(input: &[u8], max_payload: usize) -> Result<Decoded<Frame<&[u8]>>, DecodeError> {
    let Ok((rest, header)) = Header::parse(input) else { return incomplete(input) };
    if header.version != VERSION {
        return Err(DecodeError::Version { found: header.version, expected: VERSION });
    }
    let length = header.length as usize;
    if length > max_payload {
        return Err(DecodeError::FrameTooLong { length: header.length, limit: max_payload });
    }
    Ok(rest.get(..length).map(|payload| (Frame { kind: header.kind, payload }, HEADER_LEN + length)))
}

/// Another version is an error even before the header is complete.
#[cold]
fn incomplete<T>(input: &[u8]) -> Result<Option<T>, DecodeError> {
    match input.first() {
        Some(&found) if found != VERSION => Err(DecodeError::Version { found, expected: VERSION }),
        _ => Ok(None),
    }
}

/// Splits the frame in front off `input`; its payload is a slice of the same memory. `None`: more input is needed,
/// and nothing was taken.
///
/// # Errors
///
/// As [`decode`]; nothing was taken.
#[inline]
pub fn decode_owned(input: &mut Bytes, max_payload: usize) -> Result<Option<Frame<Bytes>>, DecodeError> {
    let Some((frame, _)) = decode(input, max_payload)? else { return Ok(None) };
    let (kind, length) = (frame.kind, frame.payload.len());
    input.advance(HEADER_LEN);
    Ok(Some(Frame { kind, payload: input.split_to(length) }))
}

/// What the end of the input means for `rest`, the octets after the last complete frame.
///
/// # Errors
///
/// A frame was cut, or is wrong already.
pub fn decode_end(rest: &[u8]) -> Result<(), DecodeError> {
    let missing = match (rest, decode(rest, usize::MAX)?) {
        ([], _) | (_, Some(_)) => return Ok(()),
        _ => match Header::decode(rest) {
            Some(header) => (header.length as usize).saturating_add(HEADER_LEN) - rest.len(),
            None => HEADER_LEN - rest.len(),
        },
    };
    Err(DecodeError::Truncated { offset: rest.len(), missing })
}

/// The complete frames of a slice, one after the other; it ends where more input is needed, and after an error.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
    max_payload: usize,
    failed: bool,
}

impl<'a> Frames<'a> {
    /// Frames with payloads of at most `max_payload` octets.
    #[must_use]
    pub const fn new(input: &'a [u8], max_payload: usize) -> Frames<'a> {
        Frames { rest: input, max_payload, failed: false }
    }

    /// What has not been taken: the beginning of a frame, or what is wrong.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<&'a [u8]>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match decode(self.rest, self.max_payload) {
            Ok(None) => None,
            Ok(Some((frame, taken))) => {
                self.rest = self.rest.get(taken..).unwrap_or_default();
                Some(Ok(frame))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

/// Frames that were taken off a buffer together and share one reference to its memory: it may be kept and sent
/// elsewhere, and costs no reference count for each frame, which is most of what an owned frame costs.
///
/// ```
/// use wirelace_wire_codec::base::Batch;
///
/// let mut input = bytes::BytesMut::from(&b"\x0a\x02\0\0\0\x02hi\x0a\x01\0\0\0\0\x0a"[..]);
/// let batch = Batch::take(&mut input, 1024)?;
/// assert_eq!(&input[..], b"\x0a"); // more is needed
/// let payloads = std::thread::spawn(move || batch.frames().map(|frame| frame.payload.len()).sum::<usize>());
/// assert_eq!(payloads.join().unwrap(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Batch {
    octets: Bytes,
}

impl Batch {
    /// Takes all complete frames, with payloads of at most `max_payload` octets, off the front of `input`.
    ///
    /// # Errors
    ///
    /// The first frame is wrong, as [`decode`] says, and nothing was taken. A later one that is wrong ends the batch
    /// in front of it.
    #[inline]
    pub fn take(input: &mut BytesMut, max_payload: usize) -> Result<Batch, DecodeError> {
        let mut taken = 0;
        loop {
            match decode(input.get(taken..).unwrap_or_default(), max_payload) {
                Ok(Some((_, octets))) => taken += octets,
                Err(error) if taken == 0 => return Err(error),
                Ok(None) | Err(_) => return Ok(Batch { octets: input.split_to(taken).freeze() }),
            }
        }
    }

    /// No frame was complete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The frames as they lie in the batch.
    #[inline]
    pub fn frames(&self) -> impl Iterator<Item = Frame<&[u8]>> {
        Frames::new(&self.octets, usize::MAX).map_while(Result::ok)
    }

    /// The octets of all frames, one after the other; a payload that is to outlive the batch is cut out with
    /// [`Bytes::slice_ref`].
    #[must_use]
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }
}

impl<P: AsRef<[u8]>> Frame<P> {
    /// The payload as text.
    ///
    /// # Errors
    ///
    /// It is not UTF-8; the offset counts from the start of the frame.
    pub fn text(&self) -> Result<&str, DecodeError> {
        str::from_utf8(self.payload.as_ref())
            .map_err(|error| DecodeError::Utf8 { offset: HEADER_LEN + error.valid_up_to() })
    }

    /// The header that goes in front of the payload.
    ///
    /// # Errors
    ///
    /// The payload has 2^32 octets or more.
    #[inline]
    pub fn header(&self) -> Result<[u8; HEADER_LEN], TooLong> {
        let length = length_of(self.payload.as_ref())?;
        Ok(Header { version: VERSION, kind: self.kind, length }.encode())
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    ///
    /// The payload has 2^32 octets or more; nothing is appended then.
    #[inline]
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let header = self.header()?;
        let payload = self.payload.as_ref();
        out.reserve(HEADER_LEN + payload.len());
        out.extend_from_slice(&header);
        out.extend_from_slice(payload);
        Ok(())
    }
}

/// Puts a frame into `output`; a large payload is shared, not copied.
///
/// # Errors
///
/// The payload has 2^32 octets or more; nothing is put then.
#[inline]
pub fn encode(output: &mut Output, kind: FrameType, payload: Bytes) -> Result<(), TooLong> {
    let length = length_of(&payload)?;
    output.put_slice(&Header { version: VERSION, kind, length }.encode());
    output.put(payload);
    Ok(())
}

#[inline]
pub(crate) fn length_of(payload: &[u8]) -> Result<u32, TooLong> {
    u32::try_from(payload.len()).map_err(|_| TooLong { length: payload.len(), limit: u32::MAX as usize })
}
