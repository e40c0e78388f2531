//! The hello.

use std::io::{self, Write};

use wirelace::wire::varint::decode_varint;
use wirelace::wire_codec::extended::Hello;

use super::super::tree::{Quoted, Tree};
use super::super::wrong::{Stop, wrong};
use super::fields::{HELLO, Versioned, rule_of};

/// Writes the lines of the hello in the payload that starts at `at`.
pub(super) fn decode(payload: &[u8], at: usize, tree: &mut Tree<impl Write>) -> Result<Hello, Stop> {
    let decoded = match Hello::decode(payload) {
        Some(decoded) => decoded,
        None => return Err(wrong(at, "no hello")),
    };
    let limit = decoded.as_ref().err().map_or(usize::MAX, wirelace::wire_codec::DecodeError::offset);
    lines(payload, at, limit, tree)?;
    decoded.map_err(|error| wrong(at + error.offset(), format_args!("hello: {}", rule_of(&error))))
}

/// The fields in front of `limit`.
fn lines(payload: &[u8], at: usize, limit: usize, tree: &mut Tree<impl Write>) -> io::Result<()> {
    let Some((fixed, mut rest)) = payload.split_first_chunk::<8>() else {
        let magic = payload.get(..4).unwrap_or(payload);
        return tree.line(at, HELLO, format_args!("magic: {}", Quoted(magic)));
    };
    let [_, _, _, _, role, lowest, highest, features] = *fixed;
    let role_name = match role {
        0 => " (initiator)",
        1 => " (acceptor)",
        _ => "",
    };
    let checksum = if features & 1 != 0 { " (CRC32C)" } else { "" };
    let magic = payload.get(..4).unwrap_or_default();
    let fixed = [
        (0, format!("magic: {}", Quoted(magic))),
        (4, format!("role: {role}{role_name}")),
        (5, format!("lowest version: {lowest} ({})", Versioned(lowest))),
        (6, format!("highest version: {highest} ({})", Versioned(highest))),
        (7, format!("features: {features:#04x}{checksum}")),
    ];
    for (offset, text) in fixed {
        if offset < limit {
            tree.line(at + offset, HELLO, text)?;
        }
    }
    loop {
        let offset = payload.len() - rest.len();
        let Some((key, value, taken)) = setting(rest) else { return Ok(()) };
        if offset >= limit {
            return Ok(());
        }
        let text = match key {
            1 => format!("largest frame: {value}"),
            2 => format!("window of an exchange: {value}"),
            3 => format!("window of the connection: {value}"),
            4 => format!("exchanges: {value}"),
            5 => format!("heartbeat: after {value} ms"),
            _ => format!("value {value}, skipped"),
        };
        tree.line(at + offset, HELLO, format_args!("setting {key}, {text}"))?;
        rest = rest.get(taken..).unwrap_or_default();
    }
}

fn setting(input: &[u8]) -> Option<(u64, u64, usize)> {
    let (key, key_len) = decode_varint(input)?;
    let (value, value_len) = decode_varint(input.get(key_len..)?)?;
    Some((key, value, key_len + value_len))
}
