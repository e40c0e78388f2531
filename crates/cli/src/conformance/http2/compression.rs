//! The tables of RFC 7541 on a connection, and more field blocks that break its rules.

use wirelace_http2_frames::{ErrorCode, SettingId};

use super::block::{Block, Form};
use super::conn::WHOLE;
use super::generic::{answered, base};
use super::hpack::{literal, refused};
use crate::conformance::case::{Case, case};

pub(super) const CASES: &[Case] = &[
    case("rfc7541/2.3/1", "RFC 7541 §2.3.2", "a field of the request before, by its index (legal)", |c| {
        let block = base(c).kept("x-test", "ok");
        c.headers(1, WHOLE, &block);
        let block = base(c).indexed(62);
        c.headers(3, WHOLE, &block);
        c.response(1)?;
        answered(c, 3)
    }),
    case("rfc7541/2.3/2", "RFC 9113 §4.3", "a malformed request's fields stay in the table", |c| {
        let block = base(c).kept("x-test", "ok").field("X-Upper", "1");
        c.headers(1, WHOLE, &block);
        c.malformed(1)?;
        let block = base(c).indexed(62);
        c.headers(3, WHOLE, &block);
        c.response(3).map(|_| ())
    })
    .strict(),
    case("rfc7541/2.3/3", "RFC 7541 §2.3.3", "the first index behind an empty dynamic table", |c| {
        refused(c, |block| block.indexed(62))
    }),
    case("rfc7541/2.3/4", "RFC 7541 §2.3.3", "the index of a field that was just evicted", |c| {
        refused(c, |block| block.kept("x-one", "1").kept("x-two", vec![b'x'; 4096 - 32 - 5]).indexed(63))
    }),
    case("rfc7541/4.2/1", "RFC 7541 §4.2", "a size update between two fields", |c| {
        refused(c, |block| block.size_update(0).field("x-test", "ok"))
    }),
    case("rfc7541/4.3/1", "RFC 7541 §4.3", "a size update to 0 empties the table", |c| {
        let block = base(c).kept("x-test", "ok");
        c.headers(1, WHOLE, &block);
        let block = Block::default().size_update(0).size_update(4096).bytes(&base(c).0).indexed(62);
        c.headers(3, WHOLE, &block);
        c.connection_error(&[ErrorCode::COMPRESSION_ERROR])
    }),
    case(
        "rfc7541/4.4/1",
        "RFC 7541 §4.4",
        "a field that is larger than the table empties it (legal)",
        |c| {
            let block = base(c).kept("x-test", vec![b'x'; 5000]);
            c.headers(1, WHOLE, &block);
            answered(c, 1)
        },
    ),
    case("rfc7541/4.4/2", "RFC 7541 §4.4", "an index after a field that is larger than the table", |c| {
        refused(c, |block| block.kept("x-one", "1").kept("x-test", vec![b'x'; 5000]).indexed(62))
    }),
    case("rfc7541/5.1/1", "RFC 7541 §5.1", "an integer that does not end", |c| {
        refused(c, |block| block.bytes(&[0xff; 12]))
    }),
    case("rfc7541/5.1/2", "RFC 7541 §5.1", "an integer above 2^64", |c| {
        refused(c, |block| {
            block.bytes(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
        })
    }),
    case("rfc7541/5.1/3", "RFC 7541 §5.1", "a length that is longer than it has to be (legal)", |c| {
        // 127 and 0 more, in five octets.
        let value = [b'x'; 127];
        let block = base(c)
            .literal(Form::Without, 0)
            .text(b"x-test")
            .bytes(&[0x7f, 0x80, 0x80, 0x80, 0x00])
            .bytes(&value);
        c.headers(1, WHOLE, &block);
        answered(c, 1)
    })
    .strict(),
    case("rfc7541/5.2/1", "RFC 7541 §5.2", "a value that is longer than the block", |c| {
        refused(c, |block| block.literal(Form::Without, 0).text(b"x-test").bytes(&[0x05, b'o', b'k']))
    }),
    case("rfc7541/5.2/2", "RFC 7541 §5.2", "a block that ends after the name", |c| {
        refused(c, |block| block.literal(Form::Without, 0).text(b"x-test"))
    }),
    case("rfc7541/5.2/3", "RFC 7541 §5.2", "an octet of padding alone as Huffman code", |c| {
        refused(c, |block| literal(block, &[0xff]))
    }),
    case("rfc7541/5.2/4", "RFC 7541 §5.2", "Huffman code of no octets (legal)", |c| {
        let block = literal(base(c), &[]);
        c.headers(1, WHOLE, &block);
        answered(c, 1)
    }),
    case("rfc7541/6.3/1", "RFC 7541 §4.2", "HEADER_TABLE_SIZE 0: the server's blocks follow it", |c| {
        for stream in [1, 3, 5] {
            c.get(stream);
            c.response(stream)?;
        }
        c.accepted()
    })
    .with(&[(SettingId::HEADER_TABLE_SIZE.0, 0)]),
    case(
        "rfc7541/6.3/2",
        "RFC 7541 §4.2",
        "HEADER_TABLE_SIZE shrinks between requests: the server's blocks follow it",
        |c| {
            for (stream, size) in [(1, 4096), (3, 64), (5, 0), (7, 4096), (9, 100)] {
                c.settings(&[(SettingId::HEADER_TABLE_SIZE.0, size)]);
                c.settings_acknowledged()?;
                c.get(stream);
                c.response(stream)?;
            }
            c.accepted()
        },
    ),
];
