use alloc::borrow::Cow;
use core::ops::Range;

use super::error::HeadError;
use super::request::scan_request;
use super::response::scan_response;
use super::resume::HeadScan;
use super::types::{FieldSink, HeadLimits, RequestLeniency, ResponseLeniency, Status, Version};

/// One field line, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldLine<'b> {
    /// The name, a token, in its original case.
    pub name: &'b [u8],
    /// The value without the whitespace around it. Only under [`ResponseLeniency::fold`] it may have
    /// line ends in it; [`unfold`] makes spaces of them.
    pub value: &'b [u8],
}

/// The head of a request, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHead<'b, 'f> {
    /// The method, a token.
    pub method: &'b [u8],
    /// The target, its form not checked.
    pub target: &'b [u8],
    /// The version.
    pub version: Version,
    /// The field lines in their order.
    pub fields: &'f [FieldLine<'b>],
    /// The length of the head: where the body begins.
    pub len: usize,
}

/// The head of a response, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHead<'b, 'f> {
    /// The version.
    pub version: Version,
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase, perhaps empty.
    pub reason: &'b [u8],
    /// The field lines in their order.
    pub fields: &'f [FieldLine<'b>],
    /// The length of the head: where the body begins.
    pub len: usize,
}

struct Slice<'b, 'f> {
    buf: &'b [u8],
    fields: &'f mut [FieldLine<'b>],
    used: usize,
    /// Where the last value starts and ends.
    last: Range<usize>,
}

impl<'b, 'f> Slice<'b, 'f> {
    #[inline(always)]
    fn new(buf: &'b [u8], fields: &'f mut [FieldLine<'b>]) -> Self {
        Self { buf, fields, used: 0, last: 0..0 }
    }

    #[inline(always)]
    fn part(&self, range: Range<usize>) -> &'b [u8] {
        self.buf.get(range).unwrap_or_default()
    }

    #[inline(always)]
    fn into_fields(self) -> &'f [FieldLine<'b>] {
        let Self { fields, used, .. } = self;
        fields.get(..used).unwrap_or_default()
    }
}

impl FieldSink for Slice<'_, '_> {
    #[inline(always)]
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        // The ranges are always inside; a branch that is never taken costs less than a default.
        let (Some(name), Some(octets), Some(place)) =
            (self.buf.get(name), self.buf.get(value.clone()), self.fields.get_mut(self.used))
        else {
            return false;
        };
        *place = FieldLine { name, value: octets };
        self.used += 1;
        self.last = value;
        true
    }

    #[inline(always)]
    fn folded(&mut self, _: Range<usize>, more: Range<usize>) -> bool {
        if !more.is_empty() {
            let start = if self.last.is_empty() { more.start } else { self.last.start };
            self.last = start..more.end;
            let value = self.part(self.last.clone());
            if let Some(line) = self.used.checked_sub(1).and_then(|at| self.fields.get_mut(at)) {
                line.value = value;
            }
        }
        true
    }
}

/// Parses the head of a request at the start of `buf`; its field lines go into `fields`.
///
/// Nothing is remembered between calls: for input that arrives in pieces there is
/// [`scan_request`]. There are no limits either but the length of `fields`: the caller has the
/// input already.
///
/// ```
/// use wirelace_http1::head::{FieldLine, RequestLeniency, Status, parse_request};
///
/// let mut fields = [FieldLine::default(); 16];
/// let input = b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let Status::Complete(head) = parse_request(input, &mut fields, RequestLeniency::STRICT)? else {
///     unreachable!("nothing is missing");
/// };
/// assert_eq!((head.method, head.target, head.len), (&b"GET"[..], &b"/a"[..], input.len()));
/// assert_eq!(head.fields, [FieldLine { name: b"Host", value: b"example.com" }]);
/// # Ok::<(), wirelace_http1::head::HeadError>(())
/// ```
///
/// # Errors
/// The first broken rule; [`TooManyFields`](super::HeadErrorKind::TooManyFields) when `fields` is
/// too short.
#[inline]
pub fn parse_request<'b, 'f>(
    buf: &'b [u8],
    fields: &'f mut [FieldLine<'b>],
    leniency: RequestLeniency,
) -> Result<Status<RequestHead<'b, 'f>>, HeadError> {
    let mut sink = Slice::new(buf, fields);
    let status = scan_request(buf, &mut HeadScan::new(), &HeadLimits::NONE, leniency, &mut sink)?;
    Ok(status.map(|index| RequestHead {
        method: sink.part(index.method),
        target: sink.part(index.target),
        version: index.version,
        fields: sink.into_fields(),
        len: index.len,
    }))
}

/// Parses the head of a response at the start of `buf`; its field lines go into `fields`.
///
/// As [`parse_request`]; for input that arrives in pieces there is [`scan_response`].
///
/// # Errors
/// The first broken rule; [`TooManyFields`](super::HeadErrorKind::TooManyFields) when `fields` is
/// too short.
#[inline]
pub fn parse_response<'b, 'f>(
    buf: &'b [u8],
    fields: &'f mut [FieldLine<'b>],
    leniency: ResponseLeniency,
) -> Result<Status<ResponseHead<'b, 'f>>, HeadError> {
    let mut sink = Slice::new(buf, fields);
    let status = scan_response(buf, &mut HeadScan::new(), &HeadLimits::NONE, leniency, &mut sink)?;
    Ok(status.map(|index| ResponseHead {
        version: index.version,
        status: index.status,
        reason: sink.part(index.reason),
        fields: sink.into_fields(),
        len: index.len,
    }))
}

/// `value` with spaces in place of the line ends and the whitespace at folds (RFC 9112 §5.2).
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.iter().any(|&byte| byte == b'\r' || byte == b'\n') {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().map(|&byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }).collect())
}
