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

/// A head that is not all there. Boxed, since most heads arrive whole.
#[derive(Debug)]
pub(super) struct Unfinished<I> {
    scan: HeadScan<I>,
    section: SectionState,
    /// Its first byte came then.
    pub(super) since: Instant,
}

/// The receiver of heads of one kind.
#[derive(Debug)]
pub(super) struct HeadReceiver<I>(pub(super) Option<Box<Unfinished<I>>>);

impl<I> HeadReceiver<I> {
    pub(super) const fn new() -> HeadReceiver<I> {
        HeadReceiver(None)
    }

    fn begin(&mut self) -> (HeadScan<I>, SectionState, Option<Instant>) {
        match self.0.take() {
            Some(unfinished) => (unfinished.scan, unfinished.section, Some(unfinished.since)),
            None => (HeadScan::new(), SectionState::new(), None),
        }
    }

    fn pause(&mut self, scan: HeadScan<I>, section: SectionState, since: Instant) {
        self.0 = Some(Box::new(Unfinished { scan, section, since }));
    }
}

impl HeadReceiver<RequestIndex> {
    /// Takes a request head from `input`; `None` when it is not all there.
    #[inline]
    pub(super) fn request(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<(RequestHead, Summary)>, Error> {
        let (mut scan, section, since) = self.begin();
        let mut section = Section::new(input, limits.fields, section);
        let found =
            head::scan_request(input, &mut scan, &limits.head, limits.request_leniency, &mut section)?;
        let section = section.state;
        let Status::Complete(index) = found else {
            self.pause(scan, section, since.unwrap_or(now));
            return Ok(None);
        };
        let method = input.get(index.method.clone()).unwrap_or_default();
        let method = Method::from_bytes(method)
            .map_err(|_| HeadError { kind: HeadErrorKind::Method, offset: index.method.start })?;
        let block = input.split_to(index.len.min(input.len()));
        let (fields, summary, block) = section.finish(block)?;
        let target = block.slice(index.target);
        let form = TargetForm::of(&method, &target)?;
        let version = version(index.version);
        check_host(version, &summary)?;
        Ok(Some((RequestHead { method, target, form, version, protocol: None, fields }, summary)))
    }
}

impl HeadReceiver<ResponseIndex> {
    /// Takes a response head from `input`; `None` when it is not all there.
    #[inline]
    pub(super) fn response(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<(ResponseHead, Summary)>, Error> {
        let (mut scan, section, since) = self.begin();
        let mut section = Section::new(input, limits.fields, section);
        let found =
            head::scan_response(input, &mut scan, &limits.head, limits.response_leniency, &mut section)?;
        let section = section.state;
        let Status::Complete(index) = found else {
            self.pause(scan, section, since.unwrap_or(now));
            return Ok(None);
        };
        let status = StatusCode::from_u16(index.status)
            .map_err(|_| HeadError { kind: HeadErrorKind::StatusCode, offset: 9 })?;
        let block = input.split_to(index.len.min(input.len()));
        let (fields, summary, block) = section.finish(block)?;
        let reason = Some(block.slice(index.reason)).filter(|reason| {
            !reason.is_empty() && Some(&reason[..]) != status.canonical_reason().map(str::as_bytes)
        });
        Ok(Some((ResponseHead { status, version: version(index.version), reason, fields }, summary)))
    }
}

/// Takes a trailer section from `input`; `None` when it is not all there.
pub(super) fn trailers(
    scan: &mut HeadScan<()>,
    section: &mut SectionState,
    input: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<Fields>, Error> {
    let mut sink = Section::new(input, limits.fields, core::mem::take(section));
    let found = head::scan_trailers(input, scan, limits.trailers, &mut sink).map_err(Error::Trailers)?;
    *section = sink.state;
    let Status::Complete(len) = found else { return Ok(None) };
    let block = input.split_to(len.min(input.len()));
    // The rules for header fields (Host, framing) do not matter here: such trailers are refused anyway.
    let (fields, _, _) = core::mem::take(section).finish(block)?;
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
