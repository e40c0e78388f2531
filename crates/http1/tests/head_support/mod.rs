//! Heads in pieces, and what a scan makes of them.
#![allow(dead_code, unreachable_pub)] // Each test uses a part.

use std::fmt::Debug;
use std::ops::Range;

use wirelace_http1::head::{
    FieldSink, HeadError, HeadLimits, HeadScan, RequestIndex, RequestLeniency, ResponseIndex,
    ResponseLeniency, Status, scan_request, scan_response,
};

/// All that a sink was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    pub lines: Vec<(Range<usize>, Range<usize>)>,
    pub folds: Vec<(Range<usize>, Range<usize>)>,
    /// Lines that are taken; 0: any number.
    pub room: usize,
}

impl FieldSink for Lines {
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        self.lines.push((name, value));
        self.room == 0 || self.lines.len() <= self.room
    }

    fn folded(&mut self, fold: Range<usize>, more: Range<usize>) -> bool {
        self.folds.push((fold, more));
        true
    }
}

impl Lines {
    /// Names and values as text.
    pub fn text<'a>(&self, buf: &'a [u8]) -> Vec<(&'a str, &'a str)> {
        let text = |range: &Range<usize>| std::str::from_utf8(&buf[range.clone()]).unwrap();
        self.lines.iter().map(|(name, value)| (text(name), text(value))).collect()
    }
}

pub type Outcome<I> = (Result<Status<I>, HeadError>, Lines);

/// A parser of one kind of head, with its settings.
pub trait Kind {
    type Index: Debug + Clone + PartialEq;
    fn scan(
        &self,
        buf: &[u8],
        scan: &mut HeadScan<Self::Index>,
        sink: &mut Lines,
    ) -> Result<Status<Self::Index>, HeadError>;
}

#[derive(Debug, Clone, Copy)]
pub struct Requests(pub HeadLimits, pub RequestLeniency);
#[derive(Debug, Clone, Copy)]
pub struct Responses(pub HeadLimits, pub ResponseLeniency);

pub const REQUESTS: Requests = Requests(HeadLimits::NONE, RequestLeniency::STRICT);
pub const RESPONSES: Responses = Responses(HeadLimits::NONE, ResponseLeniency::STRICT);

impl Kind for Requests {
    type Index = RequestIndex;
    fn scan(
        &self,
        buf: &[u8],
        scan: &mut HeadScan<RequestIndex>,
        sink: &mut Lines,
    ) -> Result<Status<RequestIndex>, HeadError> {
        scan_request(buf, scan, &self.0, self.1, sink)
    }
}

impl Kind for Responses {
    type Index = ResponseIndex;
    fn scan(
        &self,
        buf: &[u8],
        scan: &mut HeadScan<ResponseIndex>,
        sink: &mut Lines,
    ) -> Result<Status<ResponseIndex>, HeadError> {
        scan_response(buf, scan, &self.0, self.1, sink)
    }
}

/// The whole input at once.
pub fn once<K: Kind>(kind: &K, input: &[u8]) -> Outcome<K::Index> {
    let mut lines = Lines::default();
    (kind.scan(input, &mut HeadScan::new(), &mut lines), lines)
}

/// The input up to each of `cuts` in turn, then all of it; stops at the first verdict.
pub fn in_pieces<K: Kind>(
    kind: &K,
    input: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> (usize, Outcome<K::Index>) {
    let mut scan = HeadScan::new();
    let mut lines = Lines::default();
    for end in cuts.into_iter().chain([input.len()]) {
        let result = kind.scan(&input[..end], &mut scan, &mut lines);
        if result != Ok(Status::Partial) {
            return (end, (result, lines));
        }
        assert!(scan.scanned() <= end);
    }
    (input.len(), (Ok(Status::Partial), lines))
}

/// Checks that every split of `input` ends as the whole does, that what is decided is decided at the
/// first byte that allows it, and returns how that is.
pub fn every_split<K: Kind>(kind: &K, input: &[u8]) -> Outcome<K::Index> {
    let whole = once(kind, input);
    let (decided, bytewise) = in_pieces(kind, input, 0..input.len());
    assert_eq!(bytewise, whole, "byte by byte: {}", input.escape_ascii());
    for cut in 0..=input.len() {
        let (end, split) = in_pieces(kind, input, [cut]);
        assert_eq!(split, whole, "cut at {cut}: {}", input.escape_ascii());
        // Not earlier and not later than byte by byte.
        assert_eq!(end, if cut >= decided { cut } else { input.len() });
    }
    if let Ok(Status::Partial) = whole.0 {
        assert_eq!(decided, input.len());
    }
    whole
}
