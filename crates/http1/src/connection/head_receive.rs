//! The receiving half of a head.

use std::time::Instant;

use bytes::BytesMut;
use http::{Method, StatusCode, Version};
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{Fields, RequestHead, ResponseHead};

use super::error::Error;
use super::limits::Limits;
use super::section::{Section, SectionState, Summary};
use crate::head::{self, HeadError, HeadErrorKind, HeadScan, RequestIndex, ResponseIndex, Status};

/// The receiver of heads of one kind; keeps what it knows of a head that is not all there.
#[derive(Debug)]
pub(super) struct HeadReceiver<I> {
    scan: HeadScan<I>,
    section: SectionState,
    /// The first byte of the unfinished head came then.
    pub(super) since: Option<Instant>,
    /// Requests: the method of the last head, finished or not, is HEAD.
    pub(super) to_head: bool,
}

impl<I> HeadReceiver<I> {
    pub(super) fn new() -> HeadReceiver<I> {
        HeadReceiver { scan: HeadScan::new(), section: SectionState::default(), since: None, to_head: false }
    }
}

impl HeadReceiver<RequestIndex> {
    /// Takes a request head from `input`; `None` when it is not all there.
    #[inline(always)]
    pub(super) fn request(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<(Box<RequestHead>, Summary)>, Error> {
        let mut sink = Section::new(input, limits.fields, &mut self.section);
        let leniency = limits.request_leniency;
        let found = head::scan_request(input, &mut self.scan, &limits.head, leniency, &mut sink);
        let Ok(Status::Complete(index)) = found else {
            self.to_head = input.starts_with(b"HEAD ");
            self.since.get_or_insert(now);
            return found.map(|_| None).map_err(Error::from);
        };
        self.since = None;
        let method = input.get(index.method.clone()).unwrap_or_default();
        let method = Method::from_bytes(method)
            .map_err(|_| HeadError { kind: HeadErrorKind::Method, offset: index.method.start })?;
        self.to_head = method == Method::HEAD;
        let block = input.split_to(index.len.min(input.len()));
        let (fields, summary) = self.section.finish(block)?;
        let target = fields.slice(index.target);
        let form = TargetForm::of(&method, &target)?;
        let version = version(index.version);
        check_host(version, &summary)?;
        let head = RequestHead { method, target, form, version, protocol: None, fields };
        Ok(Some((Box::new(head), summary)))
    }
}

impl HeadReceiver<ResponseIndex> {
    /// Takes a response head from `input`; `None` when it is not all there.
    #[inline(always)]
    pub(super) fn response(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<(ResponseHead, Summary)>, Error> {
        let mut sink = Section::new(input, limits.fields, &mut self.section);
        let leniency = limits.response_leniency;
        let found = head::scan_response(input, &mut self.scan, &limits.head, leniency, &mut sink)?;
        let Status::Complete(index) = found else {
            self.since.get_or_insert(now);
            return Ok(None);
        };
        self.since = None;
        let status = StatusCode::from_u16(index.status)
            .map_err(|_| HeadError { kind: HeadErrorKind::StatusCode, offset: 9 })?;
        let block = input.split_to(index.len.min(input.len()));
        let (fields, summary) = self.section.finish(block)?;
        let phrase = fields.slice(index.reason);
        let usual = Some(&phrase[..]) == status.canonical_reason().map(str::as_bytes);
        let reason = (!phrase.is_empty() && !usual).then(|| Box::from(&phrase[..]));
        Ok(Some((ResponseHead { status, version: version(index.version), reason, fields }, summary)))
    }
}

/// An empty section is its empty line.
const EMPTY_SECTION: usize = 2;

/// Takes a trailer section from `input`; `None` when it is not all there.
pub(super) fn trailers(
    scan: &mut HeadScan<()>,
    section: &mut SectionState,
    input: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<Fields>, Error> {
    let mut sink = Section::new(input, limits.fields, section);
    let found = head::scan_trailers(input, scan, limits.trailers.max(EMPTY_SECTION), &mut sink)
        .map_err(Error::Trailers)?;
    let Status::Complete(len) = found else { return Ok(None) };
    let block = input.split_to(len.min(input.len()));
    // The rules for header fields (Host, framing) do not matter here: such trailers are refused anyway.
    let (fields, _) = section.finish(block)?;
    if fields.iter().any(|field| super::body_send::is_forbidden_trailer(field.id)) {
        return Err(Error::ForbiddenTrailer);
    }
    Ok(Some(fields))
}

fn version(version: head::Version) -> Version {
    match version {
        head::Version::Http10 => Version::HTTP_10,
        head::Version::Http11 => Version::HTTP_11,
    }
}

/// RFC 9112 §3.2: exactly one Host in HTTP/1.1, at most one in HTTP/1.0.
fn check_host(version: Version, summary: &Summary) -> Result<(), Error> {
    match summary.hosts {
        0 if version == Version::HTTP_11 => Err(Error::HostMissing),
        0 | 1 => Ok(()),
        _ => Err(Error::HostRepeated),
    }
}
