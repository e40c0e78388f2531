//! Field blocks that break RFC 7541.

use wirelace_http2_frames::ErrorCode;

use super::block::{Block, Form};
use super::conn::{Conn, WHOLE};
use super::generic::base;
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::Verdict;

/// More than any table has.
const NOWHERE: usize = 10_000;

pub(super) const CASES: &[Case] = &[
    case("hpack/2.3.3/1", "RFC 7541 §2.3.3", "an indexed field beyond the tables", |c| {
        refused(c, |block| block.indexed(NOWHERE))
    }),
    case("hpack/2.3.3/2", "RFC 7541 §2.3.3", "a literal whose name is beyond the tables", |c| {
        refused(c, |block| block.literal(Form::Indexing, NOWHERE).text(b"ok"))
    }),
    case("hpack/4.2/1", "RFC 7541 §4.2", "a size update at the end of a block", |c| {
        refused(c, |block| block.size_update(1))
    }),
    case("hpack/5.2/1", "RFC 7541 §5.2", "Huffman code with more than seven bits of padding", |c| {
        // `1` is five bits, 0x01; a whole octet of ones after its padding.
        refused(c, |block| literal(block, &[0x0f, 0xff]))
    }),
    case("hpack/5.2/2", "RFC 7541 §5.2", "Huffman code with zeros as padding", |c| {
        refused(c, |block| literal(block, &[0x08]))
    }),
    case("hpack/5.2/3", "RFC 7541 §5.2", "the EOS symbol in Huffman code", |c| {
        // EOS, `0` (five zeros), and five bits of good padding.
        refused(c, |block| literal(block, &[0xff, 0xff, 0xff, 0xfc, 0x1f]))
    }),
    case("hpack/6.1/1", "RFC 7541 §6.1", "an indexed field with index 0", |c| {
        refused(c, |block| block.bytes(&[0x80]))
    }),
    case("hpack/6.3/1", "RFC 7541 §6.3", "a size update above SETTINGS_HEADER_TABLE_SIZE", |c| {
        let most = c.setting(wirelace_http2_frames::SettingId::HEADER_TABLE_SIZE).unwrap_or(4096);
        let block = Block::default().size_update(most as usize + 1).bytes(&base(c).0);
        c.headers(1, WHOLE, &block);
        c.connection_error(&[ErrorCode::COMPRESSION_ERROR])
    }),
];

/// A new field whose value is this Huffman code.
pub(super) fn literal(block: Block, coded: &[u8]) -> Block {
    block.literal(Form::Without, 0).text(b"x-test").integer(0x80, 7, coded.len()).bytes(coded)
}

/// A request with something wrong at its end.
pub(super) fn refused(c: &mut Conn, change: impl FnOnce(Block) -> Block) -> Verdict {
    let block = change(base(c));
    c.headers(1, WHOLE, &block);
    c.connection_error(&[ErrorCode::COMPRESSION_ERROR])
}
