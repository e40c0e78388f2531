//! Proactive negotiation (RFC 9110 §12.4.2, §12.5): weights, and the choice of a content coding.

use crate::list::Elements;
use crate::parameters::Parameters;

/// A weight in thousandths: 0 means not acceptable, 1000 most preferred (RFC 9110 §12.4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Quality(u16);

impl Quality {
    /// `q=1`, and what is meant without a weight.
    pub const MAX: Self = Self(1000);
    /// `q=0`: not acceptable.
    pub const ZERO: Self = Self(0);

    /// Thousandths, at most 1000.
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    /// Reads a qvalue: `0` or `1` with up to three decimals.
    fn parse(value: &[u8]) -> Option<Self> {
        let (whole, fraction) = match value {
            [whole] => (whole, &[][..]),
            [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
            _ => return None,
        };
        let mut quality = match whole {
            b'0' => 0,
            b'1' => 1000,
            _ => return None,
        };
        for (digit, scale) in fraction.iter().zip([100, 10, 1]) {
            if !digit.is_ascii_digit() {
                return None;
            }
            quality += u16::from(digit - b'0') * scale;
        }
        (quality <= 1000).then_some(Self(quality))
    }
}

/// One element of `Accept`, `Accept-Encoding`, `Accept-Language` or `TE`.
#[derive(Clone, Debug)]
pub struct Weighted<'a> {
    /// What is weighted, without parameters.
    pub value: &'a [u8],
    /// Its parameters; the weight is one of them.
    pub parameters: Parameters<'a>,
    /// The weight; [`Quality::MAX`] if none is given.
    pub quality: Quality,
}

/// The elements of one line of such a field. Malformed elements are passed over.
pub fn weighted(line: &[u8]) -> impl Iterator<Item = Weighted<'_>> {
    Elements::new(line).filter_map(weigh)
}

fn weigh(element: &[u8]) -> Option<Weighted<'_>> {
    let end = element.iter().position(|&byte| byte == b';').unwrap_or(element.len());
    let (value, tail) = element.split_at_checked(end)?;
    let value = wirelace_wire::field::trim_ows(value);
    let parameters = Parameters::new(tail);
    let mut quality = None;
    for parameter in parameters.clone() {
        let parameter = parameter.ok()?;
        if quality.is_none() && parameter.is("q") {
            quality = Some(Quality::parse(&parameter.value())?);
        }
    }
    (!value.is_empty()).then_some(Weighted { value, parameters, quality: quality.unwrap_or(Quality::MAX) })
}

/// Which form of a representation to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodingChoice {
    /// As it is, without a content coding.
    Identity,
    /// With the coding at this index of those that were offered.
    Coded(usize),
    /// None is acceptable, not even without a coding: 406, or [`CodingChoice::Identity`] all the same
    /// (RFC 9110 §15.5.7 leaves that open).
    NotAcceptable,
}

/// Chooses a content coding by the lines of `Accept-Encoding` (RFC 9110 §12.5.3).
///
/// `available` are the codings that the server has besides the plain form, the best first; among those with the
/// highest weight the first is taken, and before the plain form. Without the field (no line), the plain form is
/// sent: a client that says nothing may not decode anything. `x-gzip` and `x-compress` are `gzip` and `compress`
/// (§8.4.1). Answers that depend on it need `Vary: Accept-Encoding`.
///
/// ```
/// use wirelace_http_semantics::accept::{CodingChoice, choose_coding};
///
/// let choice = choose_coding([&b"gzip, deflate, br;q=0.8"[..]], &["br", "gzip"]);
/// assert_eq!(choice, CodingChoice::Coded(1));
/// ```
pub fn choose_coding<'a, I>(lines: I, available: &[&str]) -> CodingChoice
where
    I: IntoIterator<Item = &'a [u8]>,
    I::IntoIter: Clone,
{
    let lines = lines.into_iter();
    if lines.clone().next().is_none() {
        return CodingChoice::Identity;
    }
    let quality = |coding: &str| quality_of(lines.clone(), coding);
    let mut best: Option<(usize, Quality)> = None;
    for (index, coding) in available.iter().enumerate() {
        let quality = quality(coding).unwrap_or(Quality::ZERO);
        if quality > best.map_or(Quality::ZERO, |(_, best)| best) {
            best = Some((index, quality));
        }
    }
    match (best, quality("identity")) {
        (Some((_, best)), Some(identity)) if identity > best => CodingChoice::Identity,
        (Some((index, _)), _) => CodingChoice::Coded(index),
        (None, Some(Quality::ZERO)) => CodingChoice::NotAcceptable,
        (None, _) => CodingChoice::Identity,
    }
}

/// The weight of the first element for `coding`, else that of `*`, else `None`.
fn quality_of<'a>(lines: impl Iterator<Item = &'a [u8]>, coding: &str) -> Option<Quality> {
    let mut wildcard = None;
    for element in lines.flat_map(weighted) {
        if canonical(element.value).eq_ignore_ascii_case(coding.as_bytes()) {
            return Some(element.quality);
        }
        if element.value == b"*" {
            wildcard = wildcard.or(Some(element.quality));
        }
    }
    wildcard
}

fn canonical(coding: &[u8]) -> &[u8] {
    if coding.eq_ignore_ascii_case(b"x-gzip") {
        b"gzip"
    } else if coding.eq_ignore_ascii_case(b"x-compress") {
        b"compress"
    } else {
        coding
    }
}
