//! Transport parameters (RFC 9000 §18.2).

use std::io::Write;

use wirelace::tls_glue::quic::Side;
use wirelace::wire::varint::decode_varint;
use wirelace_quic_lite::transport_parameters::TransportParameters;

use super::super::tree::Tree;
use super::super::wrong::Stop;
use super::words::{Hex, Numbered, broken};

/// Writes a line for each parameter in `value`, which starts at `at`, up to the first that is wrong.
pub(super) fn decode(value: &[u8], at: usize, from: Side, tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let checked = TransportParameters::parse(value, from);
    let limit = checked.as_ref().err().and_then(|error| error.offset).unwrap_or(usize::MAX);
    let mut rest = value;
    while let Some((id, value_, after)) = next(rest) {
        let start = value.len() - rest.len();
        if value.len() - after.len() - value_.len() >= limit || start >= limit {
            break;
        }
        line(at + start, id, value_, tree)?;
        rest = after;
    }
    checked.map(|_| ()).map_err(|error| broken(at, &error))
}

fn next(input: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (id, octets) = decode_varint(input)?;
    let rest = input.get(octets..)?;
    let (length, octets) = decode_varint(rest)?;
    let (value, rest) = rest.get(octets..)?.split_at_checked(usize::try_from(length).ok()?)?;
    Some((id, value, rest))
}

fn line(at: usize, id: u64, value: &[u8], tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let number = || decode_varint(value).map_or(0, |(number, _)| number);
    let (name, shown, section) = match id {
        0x00 => ("original_destination_connection_id", Hex(value).to_string(), "RFC 9000 §18.2"),
        0x01 => ("max_idle_timeout", format!("{} ms", number()), "RFC 9000 §18.2"),
        0x02 => ("stateless_reset_token", Hex(value).to_string(), "RFC 9000 §18.2"),
        0x03 => ("max_udp_payload_size", number().to_string(), "RFC 9000 §18.2"),
        0x04 => ("initial_max_data", number().to_string(), "RFC 9000 §18.2"),
        0x05 => ("initial_max_stream_data_bidi_local", number().to_string(), "RFC 9000 §18.2"),
        0x06 => ("initial_max_stream_data_bidi_remote", number().to_string(), "RFC 9000 §18.2"),
        0x07 => ("initial_max_stream_data_uni", number().to_string(), "RFC 9000 §18.2"),
        0x08 => ("initial_max_streams_bidi", number().to_string(), "RFC 9000 §18.2"),
        0x09 => ("initial_max_streams_uni", number().to_string(), "RFC 9000 §18.2"),
        0x0a => ("ack_delay_exponent", number().to_string(), "RFC 9000 §18.2"),
        0x0b => ("max_ack_delay", format!("{} ms", number()), "RFC 9000 §18.2"),
        0x0c => ("disable_active_migration", "yes".to_owned(), "RFC 9000 §18.2"),
        0x0d => ("preferred_address", Hex(value).to_string(), "RFC 9000 §18.2"),
        0x0e => ("active_connection_id_limit", number().to_string(), "RFC 9000 §18.2"),
        0x0f => ("initial_source_connection_id", Hex(value).to_string(), "RFC 9000 §18.2"),
        0x10 => ("retry_source_connection_id", Hex(value).to_string(), "RFC 9000 §18.2"),
        0x11 => ("version_information", versions(value), "RFC 9368 §3"),
        0x20 => ("max_datagram_frame_size", number().to_string(), "RFC 9221 §3"),
        0x2ab2 => ("grease_quic_bit", "yes".to_owned(), "RFC 9287 §3"),
        id if id % 31 == 27 => {
            let text = format_args!("reserved parameter {id:#x}: {}", Hex(value));
            return Ok(tree.line(at, "RFC 9000 §18.1", text)?);
        }
        id => {
            let text = format_args!("parameter {id:#x}: {}", Hex(value));
            return Ok(tree.line(at, "RFC 9000 §7.4.2", text)?);
        }
    };
    Ok(tree.line(at, section, format_args!("{name}: {shown}"))?)
}

/// The chosen one, and those that are possible.
fn versions(value: &[u8]) -> String {
    let mut all = value
        .chunks_exact(4)
        .map(|octets| Numbered(octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet))));
    let chosen = all.next().map_or_else(String::new, |chosen| chosen.to_string());
    all.fold(format!("{chosen}, available:"), |text, version| format!("{text} {version}"))
}
