//! `decode quic`: the packets of one datagram (RFC 9000, RFC 9369). Initial packets are opened: their keys follow from
//! a connection id that everybody sees.

mod frames;
mod hello;
mod parameters;
mod words;

use std::io::Write;

use wirelace::tls_glue::quic::{Keys, Side, TAG_LENGTH, Version, is_retry_valid};
use wirelace_quic_lite::ConnectionId;
use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::header::{Header, LongType};

use super::tree::{Count, Tree};
use super::wrong::{Stop, wrong};
use words::{Hex, Numbered};

/// What the datagram alone does not say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Who sent it.
    pub(super) from: Side,
    /// The Destination Connection ID of the client's first packet; `None`: that of the packet.
    pub(super) original: Option<ConnectionId>,
}

/// Writes the tree of all packets in `datagram`, and opens them where they lie.
pub(super) fn decode(datagram: &mut [u8], known: Known, tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let mut at = 0;
    // Short headers do not say how long the id is; those before them do, by custom.
    let mut id_length = None;
    while at < datagram.len() {
        let packet = datagram.get_mut(at..).unwrap_or_default();
        let header = Header::parse(packet, id_length.unwrap_or(0))
            .map_err(|error| wrong(at + error.offset(), format_args!("{error}")))?;
        let length = header.packet_length();
        let packet = packet.get_mut(..length).unwrap_or_default();
        match header {
            Header::Long { kind, version, destination, source, token, number_offset, .. } => {
                let (section, name) = match kind {
                    LongType::Initial => ("RFC 9000 §17.2.2", "Initial"),
                    LongType::ZeroRtt => ("RFC 9000 §17.2.3", "0-RTT"),
                    LongType::Handshake => ("RFC 9000 §17.2.4", "Handshake"),
                };
                tree.open(at, section, format_args!("{name} packet, {version}, {}", Count(length, "octet")))?;
                let ids = (destination.as_slice(), source.as_slice());
                let end = long(version.number(), ids, at, tree)?;
                let rest = length - number_offset;
                let length_line = format!("length of what follows: {}", Count(rest, "octet"));
                if kind == LongType::Initial {
                    let length_at = token.end;
                    let token = packet.get(token).unwrap_or_default();
                    tree.line(at + end, section, format_args!("token: {}", Hex(token)))?;
                    tree.line(at + length_at, "RFC 9000 §17.2", length_line)?;
                    let keys = known.original.unwrap_or(destination);
                    initial(packet, (at, number_offset), (version, keys, known.from), tree)?;
                } else {
                    tree.line(at + end, "RFC 9000 §17.2", length_line)?;
                    sealed(at + number_offset, rest, tree)?;
                }
                id_length = Some(destination.as_slice().len());
            }
            Header::Short { destination, number_offset, .. } => {
                let text = format_args!("1-RTT packet, {}", Count(length, "octet"));
                tree.open(at, "RFC 9000 §17.3.1", text)?;
                if id_length.is_some() {
                    tree.line(at + 1, "RFC 9000 §17.3.1", destination_line(destination.as_slice()))?;
                    sealed(at + number_offset, length - number_offset, tree)?;
                } else {
                    let rest = Count(length - 1, "octet");
                    let text = format_args!(
                        "destination connection id, of a length that both sides know, and what is protected: {rest}"
                    );
                    tree.line(at + 1, "RFC 9000 §17.3.1", text)?;
                }
            }
            Header::Retry { version, destination, source, token, .. } => {
                let section = "RFC 9000 §17.2.5";
                tree.open(at, section, format_args!("Retry packet, {version}, {}", Count(length, "octet")))?;
                long(version.number(), (destination.as_slice(), source.as_slice()), at, tree)?;
                let tag = token.end;
                let token = (token.start, packet.get(token).unwrap_or_default());
                tree.line(at + token.0, section, format_args!("token: {}", Hex(token.1)))?;
                let valid =
                    known.original.map(|original| is_retry_valid(version, original.as_slice(), packet));
                if valid == Some(Ok(false)) {
                    return Err(wrong(
                        at + tag,
                        "the integrity tag is not that of this packet (RFC 9001 §5.8)",
                    ));
                }
                let valid = if valid.is_some() { ", valid" } else { "" };
                let tag_octets = packet.get(tag..).unwrap_or_default();
                let text = format_args!("integrity tag: {}{valid}", Hex(tag_octets));
                tree.line(at + tag, "RFC 9001 §5.8", text)?;
            }
            Header::VersionNegotiation { destination, source, versions, .. } => {
                let section = "RFC 9000 §17.2.1";
                let text = format_args!("Version Negotiation packet, {}", Count(length, "octet"));
                tree.open(at, section, text)?;
                let end = long(0, (destination.as_slice(), source.as_slice()), at, tree)?;
                for (index, version) in versions.into_iter().enumerate() {
                    tree.line(at + end + 4 * index, section, format_args!("{}", Numbered(version)))?;
                }
            }
            Header::Unsupported { version, destination, source, .. } => {
                let text = format_args!("packet of an unknown version, {}", Count(length, "octet"));
                tree.open(at, "RFC 8999 §5.1", text)?;
                let end = long(version, (&destination, &source), at, tree)?;
                let rest = Count(length - end, "octet");
                tree.line(at + end, "RFC 8999 §5.1", format_args!("what only this version knows: {rest}"))?;
            }
            other => return Err(wrong(at, format_args!("a packet that cannot be shown: {other:?}"))),
        }
        tree.close();
        at += length;
    }
    Ok(())
}

/// Version and ids; returns where they end, from the start of the packet.
fn long(
    version: u32,
    (destination, source): (&[u8], &[u8]),
    at: usize,
    tree: &mut Tree<impl Write>,
) -> Result<usize, Stop> {
    tree.line(at + 1, "RFC 8999 §5.1", format_args!("version: {}", Numbered(version)))?;
    tree.line(at + 5, "RFC 8999 §5.1", destination_line(destination))?;
    let source_at = 6 + destination.len();
    tree.line(at + source_at, "RFC 8999 §5.1", format_args!("source connection id: {}", Hex(source)))?;
    Ok(source_at + 1 + source.len())
}

fn destination_line(id: &[u8]) -> String {
    format!("destination connection id: {}", Hex(id))
}

fn sealed(at: usize, length: usize, tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let text = format_args!("packet number and payload, protected: {}", Count(length, "octet"));
    Ok(tree.line(at, "RFC 9001 §5", text)?)
}

/// Behind the token: opens the packet, and shows what is in it.
fn initial(
    packet: &mut [u8],
    (at, number_offset): (usize, usize),
    (version, original, from): (Version, ConnectionId, Side),
    tree: &mut Tree<impl Write>,
) -> Result<(), Stop> {
    let sender = if from == Side::Client { "client" } else { "server" };
    let failed = |error| wrong(at + number_offset, format_args!("{error}"));
    let keys = Keys::initial(version, original.as_slice(), from).map_err(failed)?.local;
    let before = packet.to_vec();
    let number = keys.header.unprotect(packet, number_offset).map_err(failed)?;
    let head = number_offset + number.length;
    let first = packet.first().copied().unwrap_or_default();
    let (front, payload) = packet.split_at_mut(head);
    let Ok(length) = keys.packet.open(number.value.into(), front, payload) else {
        packet.copy_from_slice(&before);
        let rule = format_args!(
            "the keys of the {sender} that follow from connection id {} do not open this packet (RFC 9001 §5.2); \
             is it another --role, or another --dcid?",
            Hex(original.as_slice())
        );
        return Err(wrong(at + number_offset, rule));
    };
    let text = format_args!("packet number: {}, in {}", number.value, Count(number.length, "octet"));
    tree.line(at + number_offset, "RFC 9000 §17.1", text)?;
    if first & 0x0c != 0 {
        return Err(wrong(at, "reserved bits are not 0 (RFC 9000 §17.2) (PROTOCOL_VIOLATION)"));
    }
    let text = format_args!("payload, opened with the keys of the {sender}: {}", Count(length, "octet"));
    tree.open(at + head, "RFC 9000 §12.4", text)?;
    frames::decode(payload.get(..length).unwrap_or_default(), at + head, PacketType::Initial, from, tree)?;
    tree.close();
    let text = format_args!("tag, valid: {}", Count(TAG_LENGTH, "octet"));
    Ok(tree.line(at + head + length, "RFC 9001 §5.3", text)?)
}
