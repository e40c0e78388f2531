//! What the suites share.
#![allow(dead_code, reason = "each suite uses a part of it")]

pub(crate) mod qif;

use wirelace_qpack::{BlockLimits, HeaderBlock};

/// Name and value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Limits that nothing here reaches.
pub(crate) const NO_LIMITS: BlockLimits = BlockLimits { fields: usize::MAX, list_size: usize::MAX };

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    digits.chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect()
}

pub(crate) fn pairs(fields: &[(&str, &str)]) -> Vec<Pair> {
    fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// The fields of a block, each seen in both ways: by iterating, and by its position.
pub(crate) fn fields(block: &HeaderBlock) -> Vec<Pair> {
    let fields: Vec<Pair> = block.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect();
    let by_position: Vec<Pair> = block
        .positions()
        .iter()
        .map(|position| {
            let octets =
                |range: std::ops::Range<u32>| &block.arena()[range.start as usize..range.end as usize];
            let name = position.static_name().map_or(octets(position.name()), |name| name.as_bytes());
            assert!(position.static_name().is_none() || position.name().is_empty());
            (name.to_vec(), octets(position.value()).to_vec())
        })
        .collect();
    assert_eq!(fields, by_position);
    let list_size: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    assert_eq!(block.list_size(), list_size);
    assert_eq!(block.len(), fields.len());
    fields
}
