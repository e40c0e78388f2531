//! The PROXY protocol, versions 1 and 2 (haproxy's `proxy-protocol.txt`): whom a proxy speaks for, said in front of
//! everything else on a connection.
//!
//! [`decode`] is a function of bytes alone. Whoever can connect can say anything in such a header: take it only where
//! nobody but the proxy can connect.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crc::{CRC_32_ISCSI, Crc};

/// Octets of a version 1 header, at most; its line end included.
pub const MAX_V1: usize = 107;
/// Octets behind the first 16 of a version 2 header, at most. The protocol has room for 65,535.
pub const MAX_V2: usize = 4096;
/// Extensions (TLVs) of a header, at most.
pub const MAX_TLVS: usize = 64;

const SIGNATURE_V1: &[u8] = b"PROXY ";
const SIGNATURE_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version and command, family, and length.
const FIXED_V2: usize = 16;
/// Octets of a Unix address.
const UNIX: usize = 108;
/// Octets of a unique id, at most.
const MAX_UNIQUE_ID: usize = 128;

static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// What a PROXY header says.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyHeader {
    /// Who connected to the proxy.
    pub source: ProxyAddress,
    /// Which address they connected to.
    pub destination: ProxyAddress,
    /// What they connected with.
    pub transport: ProxyTransport,
    /// The proxy speaks for itself (version 2, `LOCAL`): most often to see whether the server is well.
    pub local: bool,
    /// Extensions, in order; version 2 only.
    pub tlvs: Vec<ProxyTlv>,
}

/// One end of a connection.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyAddress {
    /// The proxy does not say: the connection's own address counts.
    Unknown,
    /// An IP address and a port.
    Ip(SocketAddr),
    /// A Unix socket's path; an abstract name begins with a zero.
    Unix(Box<[u8]>),
}

/// What the client connected with.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyTransport {
    /// The proxy does not say.
    Unknown,
    /// TCP, or a Unix stream.
    Stream,
    /// UDP, or Unix datagrams.
    Datagram,
}

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyTlv {
    /// What it is; see the constants.
    pub kind: u8,
    /// What it says.
    pub value: Box<[u8]>,
}

impl ProxyTlv {
    /// The application protocol of the client's TLS connection.
    pub const ALPN: u8 = 0x01;
    /// The host name that the client asked for (SNI).
    pub const AUTHORITY: u8 = 0x02;
    /// The checksum of the header; it was right.
    pub const CRC32C: u8 = 0x03;
    /// Padding.
    pub const NOOP: u8 = 0x04;
    /// The connection's id at the proxy, 128 octets at most.
    pub const UNIQUE_ID: u8 = 0x05;
    /// The client's TLS connection: 5 octets, and extensions in the same form.
    pub const SSL: u8 = 0x20;
    /// The name of a network namespace.
    pub const NETNS: u8 = 0x30;
}

/// A PROXY header that breaks a rule, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at offset {offset} of the PROXY header")]
pub struct ProxyError {
    /// The broken rule.
    pub rule: ProxyRule,
    /// Where, in bytes.
    pub offset: usize,
}

/// What can be wrong with a PROXY header.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyRule {
    /// It begins like neither version.
    Signature,
    /// Version 1: no line end within 107 octets.
    LineTooLong,
    /// Version 1: a line that ends in something else than CR LF.
    LineEnd,
    /// Version 1: neither `TCP4`, `TCP6` nor `UNKNOWN`.
    Protocol,
    /// Version 1: no address of that protocol.
    Address,
    /// Version 1: no port in its shortest form.
    Port,
    /// Version 1: more or less than two addresses and two ports, with one space between each.
    Fields,
    /// Another version than 2 after version 2's signature.
    Version,
    /// Neither `LOCAL` nor `PROXY`.
    Command,
    /// No family and transport that there are.
    Family,
    /// More than 4,096 octets.
    TooLong,
    /// Too short for the addresses of its family.
    TooShort,
    /// An extension reaches beyond the end.
    Tlv,
    /// More than 64 extensions.
    TooManyTlvs,
    /// An extension has a length that it may not have.
    TlvLength,
    /// The checksum is wrong.
    Checksum,
}

impl fmt::Display for ProxyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "expected `PROXY ` or the signature of version 2",
            Self::LineTooLong => "no line end within 107 octets",
            Self::LineEnd => "a line end that is not cr lf",
            Self::Protocol => "expected `TCP4`, `TCP6` or `UNKNOWN`",
            Self::Address => "not an address of that protocol",
            Self::Port => "not a port in its shortest form",
            Self::Fields => "expected two addresses and two ports with one space between each",
            Self::Version => "expected version 2",
            Self::Command => "neither `LOCAL` nor `PROXY`",
            Self::Family => "not a known family and transport",
            Self::TooLong => "more than 4096 octets",
            Self::TooShort => "too short for the addresses of its family",
            Self::Tlv => "an extension that reaches beyond the end",
            Self::TooManyTlvs => "more than 64 extensions",
            Self::TlvLength => "an extension of a length that it may not have",
            Self::Checksum => "wrong checksum",
        })
    }
}

impl ProxyHeader {
    const fn unknown(local: bool) -> ProxyHeader {
        ProxyHeader {
            source: ProxyAddress::Unknown,
            destination: ProxyAddress::Unknown,
            transport: ProxyTransport::Unknown,
            local,
            tlvs: Vec::new(),
        }
    }

    fn ip(source: (IpAddr, u16), destination: (IpAddr, u16), transport: ProxyTransport) -> ProxyHeader {
        let (source, destination) = (ProxyAddress::Ip(source.into()), ProxyAddress::Ip(destination.into()));
        ProxyHeader { source, destination, transport, ..ProxyHeader::unknown(false) }
    }

    /// The value of the first extension of that kind.
    #[must_use]
    pub fn tlv(&self, kind: u8) -> Option<&[u8]> {
        self.tlvs.iter().find(|tlv| tlv.kind == kind).map(|tlv| &*tlv.value)
    }
}

/// Reads the header that `input` begins with, and how many octets it has. `None`: all octets so far belong to it, and
/// there are more to come.
///
/// # Errors
/// It is no header, as soon as that can be seen: the connection is to be closed (the protocol, section 2).
pub fn decode(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    match input.first() {
        None => Ok(None),
        Some(b'P') => decode_v1(input),
        Some(_) => decode_v2(input),
    }
}

const fn fail<T>(rule: ProxyRule, offset: usize) -> Result<T, ProxyError> {
    Err(ProxyError { rule, offset })
}

/// Whether the whole signature is there.
fn signature(input: &[u8], signature: &[u8]) -> Result<bool, ProxyError> {
    match input.iter().zip(signature).position(|(byte, expected)| byte != expected) {
        Some(offset) => fail(ProxyRule::Signature, offset),
        None => Ok(input.len() >= signature.len()),
    }
}

fn decode_v1(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    if !signature(input, SIGNATURE_V1)? {
        return Ok(None);
    }
    let end = input.iter().take(MAX_V1).position(|&byte| byte == b'\n');
    let (Some(end), Some(line)) = (end, end.and_then(|end| input.get(..end))) else {
        return if input.len() >= MAX_V1 { fail(ProxyRule::LineTooLong, MAX_V1) } else { Ok(None) };
    };
    let Some(line) = line.strip_suffix(b"\r") else { return fail(ProxyRule::LineEnd, end) };
    let mut words = Words { line, offset: SIGNATURE_V1.len(), at: SIGNATURE_V1.len() };
    let address: fn(&str) -> Option<IpAddr> = match words.next()? {
        b"TCP4" => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        b"TCP6" => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        // Whatever follows is to be passed over.
        b"UNKNOWN" => return Ok(Some((ProxyHeader::unknown(false), end + 1))),
        _ => return fail(ProxyRule::Protocol, words.at),
    };
    let source = words.parse(ProxyRule::Address, address)?;
    let destination = words.parse(ProxyRule::Address, address)?;
    let source = (source, words.parse(ProxyRule::Port, port)?);
    let destination = (destination, words.parse(ProxyRule::Port, port)?);
    if words.offset <= line.len() {
        return fail(ProxyRule::Fields, words.offset.saturating_sub(1));
    }
    Ok(Some((ProxyHeader::ip(source, destination, ProxyTransport::Stream), end + 1)))
}

/// Words with one space between them.
struct Words<'a> {
    line: &'a [u8],
    /// Where the next one begins; behind the end of the line there is none.
    offset: usize,
    /// Where the last one began.
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a [u8], ProxyError> {
        let rest = self.line.get(self.offset..);
        let word = rest.and_then(|rest| rest.split(|&byte| byte == b' ').next()).unwrap_or_default();
        if word.is_empty() {
            return fail(ProxyRule::Fields, self.offset.min(self.line.len()));
        }
        self.at = self.offset;
        self.offset += word.len() + 1;
        Ok(word)
    }

    fn parse<T>(&mut self, rule: ProxyRule, parse: impl Fn(&str) -> Option<T>) -> Result<T, ProxyError> {
        let word = self.next()?;
        let value = std::str::from_utf8(word).ok().and_then(parse);
        value.ok_or(ProxyError { rule, offset: self.at })
    }
}

/// Without a sign or leading zeros: some take those for octal.
fn port(text: &str) -> Option<u16> {
    let shortest = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| shortest)
}

fn decode_v2(input: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    signature(input, SIGNATURE_V2)?;
    let local = match input.get(12).map(|byte| (byte >> 4, byte & 0x0f)) {
        None => return Ok(None),
        Some((2, 0)) => true,
        Some((2, 1)) => false,
        Some((2, _)) => return fail(ProxyRule::Command, 12),
        Some(_) => return fail(ProxyRule::Version, 12),
    };
    let Some(&family) = input.get(13) else { return Ok(None) };
    // Of what speaks for itself the rest does not count, not even if it is wrong.
    let addresses = match family {
        _ if local => 0,
        0x00 => 0,
        0x11 | 0x12 => 2 * (4 + 2),
        0x21 | 0x22 => 2 * (16 + 2),
        0x31 | 0x32 => 2 * UNIX,
        _ => return fail(ProxyRule::Family, 13),
    };
    let Some(&[high, low]) = input.get(14..FIXED_V2) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_V2 {
        return fail(ProxyRule::TooLong, 14);
    }
    if length < addresses {
        return fail(ProxyRule::TooShort, 14);
    }
    let total = FIXED_V2 + length;
    let Some(whole) = input.get(..total) else { return Ok(None) };
    if local || family == 0 {
        return Ok(Some((ProxyHeader::unknown(local), total)));
    }
    let transport = if family & 1 == 1 { ProxyTransport::Stream } else { ProxyTransport::Datagram };
    let mut rest = Rest { octets: whole.get(FIXED_V2..).unwrap_or_default(), length: total };
    let short = ProxyError { rule: ProxyRule::TooShort, offset: 14 };
    let mut header = match family >> 4 {
        1 => rest.ips::<4>(transport),
        2 => rest.ips::<16>(transport),
        _ => rest.unix(transport),
    }
    .ok_or(short)?;
    while let Some((offset, tlv)) = rest.tlv()? {
        if header.tlvs.len() == MAX_TLVS {
            return fail(ProxyRule::TooManyTlvs, offset);
        }
        match (tlv.kind, tlv.value.len()) {
            (ProxyTlv::CRC32C, 4) => checksum(whole, offset + 3, &tlv.value)?,
            (ProxyTlv::CRC32C, _) | (ProxyTlv::SSL, 0..5) => return fail(ProxyRule::TlvLength, offset),
            (ProxyTlv::UNIQUE_ID, length) if length > MAX_UNIQUE_ID => {
                return fail(ProxyRule::TlvLength, offset);
            }
            _ => {}
        }
        header.tlvs.push(tlv);
    }
    Ok(Some((header, total)))
}

/// CRC32C of the whole header, with zeros where the checksum itself is.
fn checksum(whole: &[u8], offset: usize, expected: &[u8]) -> Result<(), ProxyError> {
    let mut digest = CRC32C.digest();
    digest.update(whole.get(..offset).unwrap_or_default());
    digest.update(&[0; 4]);
    digest.update(whole.get(offset + 4..).unwrap_or_default());
    if digest.finalize().to_be_bytes() == expected { Ok(()) } else { fail(ProxyRule::Checksum, offset) }
}

/// What is left of a version 2 header.
struct Rest<'a> {
    octets: &'a [u8],
    /// Of the whole header.
    length: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.octets.split_at_checked(length)?;
        self.octets = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn ips<const N: usize>(&mut self, transport: ProxyTransport) -> Option<ProxyHeader>
    where
        IpAddr: From<[u8; N]>,
    {
        let (source, destination) = (self.array::<N>()?, self.array::<N>()?);
        let (from, to) = (u16::from_be_bytes(self.array()?), u16::from_be_bytes(self.array()?));
        Some(ProxyHeader::ip((source.into(), from), (destination.into(), to), transport))
    }

    fn unix(&mut self, transport: ProxyTransport) -> Option<ProxyHeader> {
        let (source, destination) = (path(self.take(UNIX)?), path(self.take(UNIX)?));
        Some(ProxyHeader { source, destination, transport, ..ProxyHeader::unknown(false) })
    }

    /// The next extension, and where it begins.
    fn tlv(&mut self) -> Result<Option<(usize, ProxyTlv)>, ProxyError> {
        let offset = self.length.saturating_sub(self.octets.len());
        if self.octets.is_empty() {
            return Ok(None);
        }
        let tlv = self.array().and_then(|[kind, high, low]| {
            let value = self.take(usize::from(u16::from_be_bytes([high, low])))?;
            Some(ProxyTlv { kind, value: value.into() })
        });
        tlv.map(|tlv| Some((offset, tlv))).ok_or(ProxyError { rule: ProxyRule::Tlv, offset })
    }
}

/// Up to the first zero; of an abstract name up to the last octet that is none.
fn path(octets: &[u8]) -> ProxyAddress {
    let end = match octets.first() {
        Some(0) => octets.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1),
        _ => octets.iter().position(|&byte| byte == 0).unwrap_or(octets.len()),
    };
    match octets.get(..end) {
        None | Some([]) => ProxyAddress::Unknown,
        Some(path) => ProxyAddress::Unix(path.into()),
    }
}
