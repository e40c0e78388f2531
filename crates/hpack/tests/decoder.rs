//! What the decoder refuses, and what it bounds.

mod support;

use support::{NO_LIMITS, decode, fields, hex, pairs};
use wirelace_hpack::huffman::HuffmanError;
use wirelace_hpack::{BlockLimits, DecodeError, Decoder, Exceeded, HeaderBlock, StaticName};

/// The error of a fresh decoder with a table of 4096 octets.
fn error(block: &str) -> DecodeError {
    decode(&mut Decoder::new(4096), &hex(block)).unwrap_err()
}

#[test]
fn indices_that_refer_to_nothing() {
    assert_eq!(error("80"), DecodeError::IndexZero { offset: 0 });
    assert_eq!(error("82 84 80"), DecodeError::IndexZero { offset: 2 });
    assert_eq!(error("82 be"), DecodeError::IndexOutOfRange { offset: 1, index: 62, entries: 61 });
    // One entry: 62 is there, 63 is not, whether as a field or as a name.
    let mut decoder = Decoder::new(4096);
    decode(&mut decoder, &hex("40 01 61 01 62")).unwrap();
    assert_eq!(decode(&mut decoder, &hex("be")), Ok(pairs(&[("a", "b")])));
    assert_eq!(decode(&mut decoder, &hex("7e 01 63")), Ok(pairs(&[("a", "c")])));
    let beyond = |offset, index| Err(DecodeError::IndexOutOfRange { offset, index, entries: 63 });
    assert_eq!(decode(&mut decoder, &hex("82 c0")), beyond(1, 64));
    assert_eq!(decode(&mut decoder, &hex("7f 01 00")), beyond(0, 64));
    assert_eq!(decode(&mut decoder, &hex("0f 31 00")), beyond(0, 64));
    assert_eq!(decode(&mut decoder, &hex("ff ff ff ff 07")), beyond(0, 16_777_342));
}

#[test]
fn integers_that_are_too_large() {
    for block in
        ["ff ff ff ff ff ff ff ff ff ff ff 01", "7f ff ff ff ff 7f", "0f 80 80 80 80 80 80 80 80 80 80 00"]
    {
        assert_eq!(error(block), DecodeError::IntegerOverflow { offset: 0 });
    }
    assert_eq!(error("82 04 ff ff ff ff ff ff 00"), DecodeError::IntegerOverflow { offset: 2 });
    assert_eq!(error("82 04 7f ff ff ff ff 7f"), DecodeError::IntegerOverflow { offset: 2 });
    assert_eq!(error("3f ff ff ff ff 7f"), DecodeError::IntegerOverflow { offset: 0 });
    // 2^32 - 1 is none of these.
    assert_eq!(error("04 7f 80 ff ff ff 0f"), DecodeError::Truncated { offset: 1 });
}

#[test]
fn every_beginning_of_a_block() {
    let block = hex("82 40 03 612d62 03 632d64 04 0c 2f73616d706c652f70617468 \
         10 88 25a849e95ba97d7f 89 25a849e95bb8e8b4bf be 7e 00");
    let mut complete = Vec::new();
    for end in 0..=block.len() {
        match decode(&mut Decoder::new(4096), &block[..end]) {
            Ok(fields) => complete.push((end, fields.len())),
            Err(DecodeError::Truncated { offset }) => assert!(offset <= end),
            Err(error) => panic!("{end}: {error}"),
        }
    }
    // Between fields a block may end.
    assert_eq!(complete, [(0, 0), (1, 1), (10, 2), (24, 3), (44, 4), (45, 5), (47, 6)]);
}

#[test]
fn names_and_values_may_be_empty() {
    // What a name must be is for the layer above: the table is the same on both sides all the same.
    assert_eq!(
        decode(&mut Decoder::new(4096), &hex("82 40 00 01 61 00 80 01 62 10 00 00 be 0f 2f 01 63")),
        Ok(pairs(&[(":method", "GET"), ("", "a"), ("", "b"), ("", ""), ("", "a"), ("", "c")]))
    );
    assert_eq!(
        decode(&mut Decoder::new(4096), &hex("00 01 61 00 04 80")),
        Ok(pairs(&[("a", ""), (":path", "")]))
    );
}

#[test]
fn huffman_errors_have_their_place_in_the_block() {
    let huffman = |error| DecodeError::Huffman(error);
    assert_eq!(error("82 04 82 07ff"), huffman(HuffmanError::PaddingTooLong { offset: 3 }));
    assert_eq!(error("82 04 81 00 "), huffman(HuffmanError::PaddingNotEos { offset: 3 }));
    assert_eq!(error("00 84 ffffffff 00"), huffman(HuffmanError::EndOfString { offset: 2 }));
    assert_eq!(error("00 84 ffffffff 00").offset(), 2);
}

#[test]
fn size_updates_stand_at_the_start() {
    let decoder = || Decoder::new(4096);
    assert_eq!(decode(&mut decoder(), &hex("20 82")), Ok(pairs(&[(":method", "GET")])));
    assert_eq!(decode(&mut decoder(), &hex("20 3fe11f 82")), Ok(pairs(&[(":method", "GET")])));
    assert_eq!(decode(&mut decoder(), &hex("3fe11f")), Ok(vec![]));
    assert_eq!(error("20 20 20 82"), DecodeError::SizeUpdateRepeated { offset: 2 });
    assert_eq!(error("82 20"), DecodeError::SizeUpdateMisplaced { offset: 1 });
    assert_eq!(error("20 82 3fe11f 84"), DecodeError::SizeUpdateMisplaced { offset: 2 });
    let too_large = |offset| DecodeError::SizeUpdateTooLarge { offset, size: 4097, limit: 4096 };
    assert_eq!(error("3fe21f 82"), too_large(0));
    assert_eq!(error("20 3fe21f 82"), too_large(1));
}

#[test]
fn a_lowered_limit_demands_an_update() {
    let missing = |offset, limit| Err(DecodeError::SizeUpdateMissing { offset, limit });
    let get = || Ok(pairs(&[(":method", "GET")]));
    let lowered = |limits: &[usize]| {
        let mut decoder = Decoder::new(4096);
        decode(&mut decoder, &hex("40 01 61 01 62")).unwrap();
        limits.iter().for_each(|&limit| decoder.set_max_table_size(limit));
        decoder
    };
    assert_eq!(decode(&mut lowered(&[100]), &hex("82")), missing(0, 100));
    assert_eq!(
        decode(&mut lowered(&[100]), &hex("3f46 82")),
        Err(DecodeError::SizeUpdateTooLarge { offset: 0, size: 101, limit: 100 })
    );
    let mut decoder = lowered(&[100]);
    assert_eq!(decode(&mut decoder, &hex("3f45 82")), get());
    // Said once.
    assert_eq!(decode(&mut decoder, &hex("82 be")), Ok(pairs(&[(":method", "GET"), ("a", "b")])));

    // Lowered and raised: the smallest has to be told (§4.2), and comes first.
    assert_eq!(decode(&mut lowered(&[0, 4096]), &hex("82")), missing(0, 0));
    assert_eq!(decode(&mut lowered(&[0, 4096]), &hex("3fe11f 82")), missing(3, 0));
    let mut decoder = lowered(&[0, 4096]);
    assert_eq!(decode(&mut decoder, &hex("20 3fe11f 82")), get());
    assert!(decode(&mut decoder, &hex("be")).is_err());
    assert_eq!(decode(&mut lowered(&[50, 0, 4096, 60]), &hex("3e 82")), missing(1, 0));

    // Raised, or lowered to no less than the size in use: nothing has to be said.
    assert_eq!(decode(&mut lowered(&[10_000]), &hex("82")), get());
    assert_eq!(decode(&mut lowered(&[10_000, 4096]), &hex("82")), get());
    let mut decoder = lowered(&[]);
    decode(&mut decoder, &hex("3f45 82")).unwrap();
    decoder.set_max_table_size(100);
    assert_eq!(decode(&mut decoder, &hex("82")), get());

    // A block without fields says nothing either, and the next still has to.
    let mut decoder = lowered(&[100]);
    assert_eq!(decode(&mut decoder, &[]), Ok(vec![]));
    assert_eq!(decode(&mut decoder, &hex("82")), missing(0, 100));
}

#[test]
fn a_raised_limit_counts_once_it_is_used() {
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, &hex("40 01 61 01 62")).unwrap();
    decoder.set_max_table_size(128);
    // The table is still of 64 octets: one entry.
    decode(&mut decoder, &hex("40 01 63 01 64")).unwrap();
    assert!(decode(&mut decoder, &hex("bf")).is_err());
    decode(&mut decoder, &hex("3f61 40 01 65 01 66")).unwrap();
    assert_eq!(decode(&mut decoder, &hex("be bf")), Ok(pairs(&[("e", "f"), ("c", "d")])));
}

#[test]
fn a_name_may_refer_to_an_entry_that_it_evicts() {
    let mut decoder = Decoder::new(38);
    decode(&mut decoder, &hex("40 03 616263 03 646566")).unwrap();
    assert_eq!(decode(&mut decoder, &hex("7e 03 676869 be")), Ok(pairs(&[("abc", "ghi"), ("abc", "ghi")])));
}

#[test]
fn names_of_the_static_table_are_known_however_they_are_sent() {
    let mut decoder = Decoder::new(4096);
    let mut out = HeaderBlock::new();
    // By index, as a literal, as an entry of the dynamic table, and as the name of one.
    let block = hex("7a 01 78 40 0a 757365722d6167656e74 01 79 be 7f00 01 7a 00 01 78 00");
    decoder.decode(&block, &NO_LIMITS, &mut out).unwrap();
    let agent = Some(StaticName::USER_AGENT);
    let names: Vec<_> = out.iter().map(|field| field.static_name).collect();
    assert_eq!(names, [agent, agent, agent, agent, None]);
    assert!(out.iter().all(|field| field.static_index == 0 && !field.sensitive));
    // No name that is known takes room.
    assert_eq!(out.arena(), b"xyyzx");
    // They count all the same.
    assert_eq!(out.list_size(), 4 * (10 + 1 + 32) + 33);
    decoder.decode(&hex("88 90 8f"), &NO_LIMITS, &mut out).unwrap();
    let indices: Vec<_> = out.positions().iter().map(|position| position.static_index()).collect();
    assert_eq!(indices, [8, 16, 15]);
}

#[test]
fn the_arena_can_be_moved_out_and_in() {
    let mut decoder = Decoder::new(4096);
    let mut out = HeaderBlock::new();
    decoder.decode(&hex("40 01 61 01 62 82"), &NO_LIMITS, &mut out).unwrap();
    let arena = out.take_arena();
    assert_eq!(arena, b"abGET");
    let value = out.positions()[1].value();
    assert_eq!(&arena[value.start as usize..value.end as usize], b"GET");
    assert!(out.arena().is_empty());
    assert!(out.iter().all(|field| field.value.is_empty()));
    let room = arena.as_ptr();
    out.set_arena(arena);
    assert!(out.is_empty());
    out.clear();
    decoder.decode(&hex("be"), &NO_LIMITS, &mut out).unwrap();
    assert_eq!(fields(&out), pairs(&[("a", "b")]));
    let again = out.take_arena();
    assert_eq!(again.as_ptr(), room);
}

fn limited(block: &[u8], limits: BlockLimits) -> (HeaderBlock, Decoder) {
    let mut decoder = Decoder::new(4096);
    let mut out = HeaderBlock::new();
    decoder.decode(block, &limits, &mut out).unwrap();
    (out, decoder)
}

#[test]
fn limits_are_reached_exactly() {
    // 42, 38 and 34 octets.
    let block = hex("82 84 40 01 61 01 62");
    let check = |fields, list_size, len, exceeded| {
        let (out, mut decoder) = limited(&block, BlockLimits { fields, list_size });
        assert_eq!((out.len(), out.exceeded()), (len, exceeded), "{fields} fields, {list_size} octets");
        self::fields(&out);
        // Whatever was stored, the table has what the block says.
        assert_eq!(decode(&mut decoder, &[0xbe]), Ok(pairs(&[("a", "b")])));
    };
    check(3, 114, 3, None);
    check(usize::MAX, usize::MAX, 3, None);
    check(2, 114, 2, Some(Exceeded::FieldCount));
    check(0, 114, 0, Some(Exceeded::FieldCount));
    check(3, 113, 2, Some(Exceeded::ListSize));
    check(3, 80, 2, Some(Exceeded::ListSize));
    // What comes after the first that does not fit is left out, if it would fit or not.
    check(3, 79, 1, Some(Exceeded::ListSize));
    check(3, 41, 0, Some(Exceeded::ListSize));
    check(3, 0, 0, Some(Exceeded::ListSize));
}

#[test]
fn an_exceeded_block_is_no_longer_so_when_cleared() {
    let (mut out, mut decoder) = limited(&[0x82; 10], BlockLimits { fields: 5, list_size: 10_000 });
    assert_eq!(out.exceeded(), Some(Exceeded::FieldCount));
    decoder.decode(&[0x82], &BlockLimits { fields: 5, list_size: 10_000 }, &mut out).unwrap();
    assert_eq!((out.exceeded(), out.len(), out.list_size()), (None, 1, 42));
}

/// A large entry, and a block of references to it: 1 octet each that stand for 4,000.
#[test]
fn bombs_take_no_memory() {
    let mut decoder = Decoder::new(4096);
    let mut out = HeaderBlock::new();
    let limits = BlockLimits { fields: 100, list_size: 16 * 1024 };
    let mut block = hex("40 01 61 7f 821e");
    block.extend([b'x'; 3969]);
    block.extend([0xbe; 200_000]);
    decoder.decode(&block, &limits, &mut out).unwrap();
    assert_eq!((out.len(), out.exceeded()), (4, Some(Exceeded::ListSize)));
    assert!(out.take_arena().capacity() < 2 * block.len());

    // The same with the smallest fields: they are counted.
    let mut out = HeaderBlock::new();
    decoder.decode(&[0x84; 100_000], &BlockLimits { fields: 100, list_size: usize::MAX }, &mut out).unwrap();
    assert_eq!((out.len(), out.exceeded()), (100, Some(Exceeded::FieldCount)));

    // References to a large name, with values of their own: nothing is stored, the table stays right.
    let mut decoder = Decoder::new(4096);
    let mut block = hex("40 7f 811e");
    block.extend([b'n'; 3968]);
    block.push(0);
    (0..1000).for_each(|_| block.extend(hex("0f2f 00")));
    block.extend(hex("40 01 61 01 62"));
    let mut out = HeaderBlock::new();
    decoder.decode(&block, &limits, &mut out).unwrap();
    assert_eq!((out.len(), out.exceeded()), (4, Some(Exceeded::ListSize)));
    assert!(out.take_arena().capacity() < 100_000);
    assert_eq!(decode(&mut decoder, &[0xbe]), Ok(pairs(&[("a", "b")])));
}

#[test]
fn a_table_without_room() {
    for size in [0, 1, 31, 32] {
        let mut decoder = Decoder::new(size);
        let block = hex("40 01 61 00 40 01 62 01 63");
        assert_eq!(decode(&mut decoder, &block), Ok(pairs(&[("a", ""), ("b", "c")])));
        assert!(decode(&mut decoder, &[0xbe]).is_err());
    }
    let mut decoder = Decoder::new(33);
    decode(&mut decoder, &hex("40 01 61 00")).unwrap();
    assert_eq!(decode(&mut decoder, &[0xbe]), Ok(pairs(&[("a", "")])));
    // Too large for it: it is emptied, and that is no error (§4.4).
    decode(&mut decoder, &hex("40 01 61 01 62")).unwrap();
    assert!(decode(&mut decoder, &[0xbe]).is_err());
}
