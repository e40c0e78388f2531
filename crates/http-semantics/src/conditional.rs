//! Conditional requests (RFC 9110 §13): `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`
//! and `If-Range`, in the order of precedence of §13.2.2.

use alloc::vec::Vec;

use crate::date::HttpDate;
use crate::etag::{EntityTag, EntityTags, is_any};

/// What a server knows about the current representation of the target resource.
#[derive(Clone, Copy, Default, Debug)]
pub struct Validators<'a> {
    /// Its entity tag.
    pub etag: Option<EntityTag<'a>>,
    /// When it was last modified, as `Last-Modified` tells.
    pub last_modified: Option<HttpDate>,
    /// Whether it is known that it did not change twice within the second of `last_modified`. Only then may a
    /// date in `If-Range` match (RFC 9110 §8.8.2.2).
    pub date_is_strong: bool,
}

/// What is to be done with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Perform the method.
    Proceed {
        /// Whether a `Range` field, if there is one, may be honoured: the method is GET, and `If-Range` is absent
        /// or true.
        range_applies: bool,
    },
    /// Answer 304 (Not Modified), with the fields listed in RFC 9110 §15.4.5.
    NotModified,
    /// Answer 412 (Precondition Failed).
    PreconditionFailed,
}

/// The precondition fields of one request, borrowed from it.
///
/// ```
/// use wirelace_http_semantics::conditional::{Outcome, Preconditions, Validators};
/// use wirelace_http_semantics::date::HttpDate;
/// use wirelace_http_semantics::etag::EntityTag;
///
/// let fields: [(&[u8], &[u8]); 1] = [(b"If-None-Match", b"\"xyzzy\", \"r2d2xxxx\"")];
/// let preconditions = Preconditions::from_fields(fields);
/// let current = Validators { etag: EntityTag::weak(b"r2d2xxxx"), ..Validators::default() };
/// let now = HttpDate::UNIX_EPOCH;
/// assert_eq!(preconditions.evaluate(b"GET", Some(&current), now), Outcome::NotModified);
/// assert_eq!(preconditions.evaluate(b"PUT", Some(&current), now), Outcome::PreconditionFailed);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Preconditions<'a> {
    if_match: Vec<&'a [u8]>,
    if_none_match: Vec<&'a [u8]>,
    if_modified_since: Single<'a>,
    if_unmodified_since: Single<'a>,
    if_range: Single<'a>,
}

/// A field that is not a list: a second line makes it invalid.
#[derive(Clone, Copy, Default, Debug)]
enum Single<'a> {
    #[default]
    Absent,
    One(&'a [u8]),
    Repeated,
}

impl<'a> Single<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Single::Absent => Single::One(value),
            _ => Single::Repeated,
        };
    }

    fn is_absent(self) -> bool {
        matches!(self, Single::Absent)
    }

    fn date(self, now: HttpDate) -> Option<HttpDate> {
        match self {
            Single::One(value) => HttpDate::parse(value, now).ok(),
            _ => None,
        }
    }
}

impl<'a> Preconditions<'a> {
    /// The preconditions among the `(name, value)` pairs of `fields`.
    pub fn from_fields(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut preconditions = Self::default();
        for (name, value) in fields {
            preconditions.add(name, value);
        }
        preconditions
    }

    /// Takes one field line; false if it is not a precondition.
    pub fn add(&mut self, name: &[u8], value: &'a [u8]) -> bool {
        let value = wirelace_wire::field::trim_ows(value);
        if name.eq_ignore_ascii_case(b"if-match") {
            self.if_match.push(value);
        } else if name.eq_ignore_ascii_case(b"if-none-match") {
            self.if_none_match.push(value);
        } else if name.eq_ignore_ascii_case(b"if-modified-since") {
            self.if_modified_since.add(value);
        } else if name.eq_ignore_ascii_case(b"if-unmodified-since") {
            self.if_unmodified_since.add(value);
        } else if name.eq_ignore_ascii_case(b"if-range") {
            self.if_range.add(value);
        } else {
            return false;
        }
        true
    }

    /// Whether the request has no precondition.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_empty()
            && self.if_none_match.is_empty()
            && self.if_modified_since.is_absent()
            && self.if_unmodified_since.is_absent()
            && self.if_range.is_absent()
    }

    /// Evaluates them in the order of RFC 9110 §13.2.2, for a request with this method.
    ///
    /// `current` is the representation that an unconditional GET would find, `None` if there is none. To be called
    /// only if the request would succeed without them (§13.2.1): another status than 2xx or 412 wins.
    ///
    /// Dates that are invalid or repeated are ignored, as §13.1.3 and §13.1.4 demand. In a malformed list of
    /// entity tags, nothing from the first error of a line on matches: a broken `If-Match` does not let a change
    /// through. `now` is needed for dates with a two-digit year ([`HttpDate::parse`]).
    pub fn evaluate(&self, method: &[u8], current: Option<&Validators<'_>>, now: HttpDate) -> Outcome {
        // §13.2.1: these do not select or modify a representation.
        if matches!(method, b"CONNECT" | b"OPTIONS" | b"TRACE") {
            return Outcome::Proceed { range_applies: false };
        }
        let get = method == b"GET";
        let safe = get || method == b"HEAD";
        let last_modified = current.and_then(|current| current.last_modified);

        if !self.if_match.is_empty() {
            if !any_matches(&self.if_match, current, |a, b| a.strong_eq(b)) {
                return Outcome::PreconditionFailed;
            }
        } else if let (Some(limit), Some(modified)) = (self.if_unmodified_since.date(now), last_modified)
            && modified > limit
        {
            return Outcome::PreconditionFailed;
        }

        if !self.if_none_match.is_empty() {
            if any_matches(&self.if_none_match, current, |a, b| a.weak_eq(b)) {
                return if safe { Outcome::NotModified } else { Outcome::PreconditionFailed };
            }
        } else if let (true, Some(limit), Some(modified)) =
            (safe, self.if_modified_since.date(now), last_modified)
            && modified <= limit
        {
            return Outcome::NotModified;
        }

        Outcome::Proceed { range_applies: get && self.if_range_holds(current, now) }
    }

    /// RFC 9110 §13.1.5.
    fn if_range_holds(&self, current: Option<&Validators<'_>>, now: HttpDate) -> bool {
        let value = match self.if_range {
            Single::Absent => return true,
            Single::Repeated => return false,
            Single::One(value) => value,
        };
        let Some(current) = current else { return false };
        if value.starts_with(b"\"") || value.starts_with(b"W/") {
            match (EntityTag::parse(value), current.etag) {
                (Ok(tag), Some(etag)) => tag.strong_eq(&etag),
                _ => false,
            }
        } else {
            let date = HttpDate::parse(value, now).ok();
            current.date_is_strong && date.is_some() && date == current.last_modified
        }
    }
}

fn any_matches(
    lines: &[&[u8]],
    current: Option<&Validators<'_>>,
    equal: fn(&EntityTag<'_>, &EntityTag<'_>) -> bool,
) -> bool {
    let Some(current) = current else { return false };
    // `*` stands alone: together with tags it is malformed.
    if let [line] = lines
        && is_any(line)
    {
        return true;
    }
    let Some(etag) = current.etag else { return false };
    lines.iter().any(|line| EntityTags::new(line).map_while(Result::ok).any(|tag| equal(&tag, &etag)))
}
