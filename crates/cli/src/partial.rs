//! Which part of a representation a GET or HEAD gets: preconditions, ranges, 200, 206, 304, 412, 416
//! (RFC 9110 §13, §14).

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderName};
use wirelace::semantics::byteranges::{Boundary, ByteRangesWriter};
use wirelace::semantics::conditional::{Outcome, Preconditions, Validators};
use wirelace::semantics::content_range::{ByteRange, ContentRange};
use wirelace::semantics::date::HttpDate;
use wirelace::semantics::etag::EntityTag;
use wirelace::semantics::range::{DEFAULT_MAX_RANGES, RangeSet, Selection};

/// Name and value of a field line.
pub(crate) type Line<'a> = (&'a [u8], &'a [u8]);

/// What there is to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Representation {
    /// Its length in bytes.
    pub(crate) length: u64,
    /// Its media type.
    pub(crate) content_type: String,
    /// What stands between the quotes of its strong ETag.
    pub(crate) etag: Option<String>,
    /// When it changed last.
    pub(crate) last_modified: Option<SystemTime>,
}

/// A part of a response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// These bytes.
    Literal(Bytes),
    /// These bytes of the representation.
    Span(ByteRange),
}

impl Piece {
    /// Bytes on the wire.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Piece::Literal(bytes) => bytes.len() as u64,
            Piece::Span(range) => range.len(),
        }
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) status: StatusCode,
    /// Field lines, Content-Length among them.
    pub(crate) fields: Vec<(HeaderName, String)>,
    /// The body of a GET.
    pub(crate) body: Vec<Piece>,
}

impl Plan {
    /// The answer to a GET or HEAD.
    pub(crate) fn of<B>(request: &http::Request<B>, representation: &Representation) -> Plan {
        let fields = request.headers().iter();
        let lines: Vec<_> =
            fields.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
        Plan::new(request.method(), &lines, representation)
    }

    /// The answer to a GET or HEAD with these field lines.
    pub(crate) fn new(method: &http::Method, fields: &[Line<'_>], representation: &Representation) -> Plan {
        let now = HttpDate::from(SystemTime::now());
        let etag = representation.etag.as_deref().and_then(|etag| EntityTag::strong(etag.as_bytes()));
        // Never later than Date (RFC 9110 §8.8.2.1), whatever the file system says.
        let last_modified = representation.last_modified.map(|time| HttpDate::from(time).min(now));
        let validators = Validators { etag, last_modified, date_is_strong: false };
        let outcome = Preconditions::from_fields(fields.iter().copied()).evaluate(
            method.as_str().as_bytes(),
            Some(&validators),
            now,
        );
        let mut plan = Plan { status: StatusCode::OK, fields: Vec::with_capacity(8), body: Vec::new() };
        if let Some(etag) = etag {
            plan.fields.push((header::ETAG, etag.to_string()));
        }
        if let Some(date) = last_modified {
            plan.fields.push((header::LAST_MODIFIED, date.to_string()));
        }
        match outcome {
            Outcome::NotModified => plan.status = StatusCode::NOT_MODIFIED,
            Outcome::PreconditionFailed => plan.refuse(StatusCode::PRECONDITION_FAILED),
            Outcome::Proceed { range_applies } => {
                plan.fields.push((header::ACCEPT_RANGES, "bytes".to_owned()));
                let selection =
                    if range_applies { select(fields, representation.length) } else { Selection::Whole };
                plan.select(selection, representation);
            }
        }
        plan
    }

    fn select(&mut self, selection: Selection, representation: &Representation) {
        let length = representation.length;
        match selection {
            Selection::Whole => {
                self.describe(&representation.content_type, length);
                // The last byte is `length - 1`; nothing to send when there is none.
                self.body
                    .extend(length.checked_sub(1).and_then(|last| ByteRange::new(0, last)).map(Piece::Span));
            }
            Selection::Single(range) => {
                self.status = StatusCode::PARTIAL_CONTENT;
                self.describe(&representation.content_type, range.len());
                self.content_range(ContentRange::Bytes { range, complete: Some(length) });
                self.body.push(Piece::Span(range));
            }
            Selection::Multiple(ranges) => {
                let content_type = representation.content_type.as_bytes();
                let boundary = Boundary::from_random(random());
                let writer = ByteRangesWriter::new(boundary, Some(content_type), length);
                match writer.and_then(|writer| Some((writer.body_length(&ranges)?, writer))) {
                    Some((sum, writer)) => self.multipart(&ranges, sum, &writer),
                    None => self.select(Selection::Whole, representation),
                }
            }
            Selection::Unsatisfiable => {
                self.refuse(StatusCode::RANGE_NOT_SATISFIABLE);
                self.content_range(ContentRange::Unsatisfied { complete: length });
            }
        }
    }

    fn multipart(&mut self, ranges: &[ByteRange], length: u64, writer: &ByteRangesWriter<'_>) {
        self.status = StatusCode::PARTIAL_CONTENT;
        self.describe(&writer.content_type(), length);
        for range in ranges {
            let mut head = Vec::with_capacity(160);
            writer.write_part_head(*range, &mut head);
            self.body.push(Piece::Literal(head.into()));
            self.body.push(Piece::Span(*range));
        }
        let mut end = Vec::with_capacity(64);
        writer.write_end(&mut end);
        self.body.push(Piece::Literal(end.into()));
    }

    fn describe(&mut self, content_type: &str, length: u64) {
        self.fields.push((header::CONTENT_TYPE, content_type.to_owned()));
        self.fields.push((header::CONTENT_LENGTH, length.to_string()));
    }

    fn content_range(&mut self, value: ContentRange) {
        self.fields.push((header::CONTENT_RANGE, value.to_string()));
    }

    fn refuse(&mut self, status: StatusCode) {
        self.status = status;
        self.fields.push((header::CONTENT_LENGTH, "0".to_owned()));
    }
}

/// The first Range line alone counts; a second one makes the field invalid, and what is invalid is ignored.
fn select(fields: &[Line<'_>], length: u64) -> Selection {
    let mut lines = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"range"));
    match (lines.next(), lines.next()) {
        (Some((_, value)), None) => {
            RangeSet::parse(value, DEFAULT_MAX_RANGES).map_or(Selection::Whole, |set| set.resolve(length))
        }
        _ => Selection::Whole,
    }
}

/// Bits that a peer cannot guess: std seeds these hashers from the operating system.
fn random() -> u128 {
    let half = || u128::from(RandomState::new().build_hasher().finish());
    half() << 64 | half()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn plan(fields: &[(&str, &str)]) -> Plan {
        let representation = Representation {
            length: 1000,
            content_type: "text/plain".to_owned(),
            etag: Some("v1".to_owned()),
            last_modified: Some(SystemTime::UNIX_EPOCH),
        };
        let lines: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        Plan::new(&Method::GET, &lines, &representation)
    }

    fn field<'a>(plan: &'a Plan, name: &HeaderName) -> Option<&'a str> {
        plan.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn whole() {
        let plan = plan(&[]);
        assert_eq!(plan.status, StatusCode::OK);
        assert_eq!(field(&plan, &header::CONTENT_LENGTH), Some("1000"));
        assert_eq!(field(&plan, &header::ETAG), Some("\"v1\""));
        assert_eq!(plan.body, [Piece::Span(ByteRange::new(0, 999).unwrap())]);
    }

    #[test]
    fn no_change_lies_in_the_future() {
        let now = SystemTime::now();
        let tomorrow = now + std::time::Duration::from_secs(86_400);
        let later = Representation { last_modified: Some(tomorrow), ..Representation::default() };
        let plan = Plan::new(&Method::GET, &[], &later);
        let date = HttpDate::parse(field(&plan, &header::LAST_MODIFIED).unwrap().as_bytes(), now.into());
        assert!(date.unwrap() <= HttpDate::from(SystemTime::now()));
    }

    #[test]
    fn nothing_to_send() {
        let empty = Representation { content_type: "text/plain".to_owned(), ..Representation::default() };
        let plan = Plan::new(&Method::GET, &[], &empty);
        assert_eq!((plan.status, plan.body.len()), (StatusCode::OK, 0));
    }

    #[test]
    fn one_range() {
        let plan = plan(&[("Range", "bytes=-7")]);
        assert_eq!(plan.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(field(&plan, &header::CONTENT_RANGE), Some("bytes 993-999/1000"));
        assert_eq!(field(&plan, &header::CONTENT_LENGTH), Some("7"));
    }

    #[test]
    fn several_ranges_have_the_length_they_announce() {
        let plan = plan(&[("range", "bytes=0-9,500-509")]);
        assert_eq!(plan.status, StatusCode::PARTIAL_CONTENT);
        let sum: u64 = plan.body.iter().map(Piece::len).sum();
        assert_eq!(field(&plan, &header::CONTENT_LENGTH), Some(sum.to_string().as_str()));
        assert!(
            field(&plan, &header::CONTENT_TYPE)
                .is_some_and(|value| value.starts_with("multipart/byteranges"))
        );
    }

    #[test]
    fn out_of_reach() {
        let plan = plan(&[("range", "bytes=1000-")]);
        assert_eq!(plan.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(field(&plan, &header::CONTENT_RANGE), Some("bytes */1000"));
    }

    #[test]
    fn ignored_ranges() {
        for fields in [
            &[("range", "lines=1-2")][..],
            &[("range", "bytes=5-2")],
            &[("range", "bytes=0-1"), ("range", "bytes=2-3")],
            &[("range", "bytes=0-1"), ("if-range", "\"v0\"")],
        ] {
            assert_eq!(plan(fields).status, StatusCode::OK, "{fields:?}");
        }
        assert_eq!(
            plan(&[("range", "bytes=0-1"), ("if-range", "\"v1\"")]).status,
            StatusCode::PARTIAL_CONTENT
        );
    }

    #[test]
    fn preconditions() {
        let fresh = plan(&[("if-none-match", "W/\"v1\"")]);
        assert_eq!(fresh.status, StatusCode::NOT_MODIFIED);
        assert_eq!(field(&fresh, &header::ETAG), Some("\"v1\""));
        assert_eq!(field(&fresh, &header::CONTENT_LENGTH), None);
        assert_eq!(plan(&[("if-match", "\"v0\"")]).status, StatusCode::PRECONDITION_FAILED);
    }
}
