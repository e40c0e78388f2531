//! `hpack`: the decoder against a plain one that has a list for a table, and blocks there and back.

use crate::input::Choices;
use wirelace_hpack::{
    BlockLimits, Decoder, Encoder, Exceeded, HeaderBlock, Indexing, StaticName, huffman, static_table,
};
use wirelace_wire::prefix_int::prefix_int;

type Pair = (Vec<u8>, Vec<u8>);

const NO_LIMITS: BlockLimits = BlockLimits { fields: usize::MAX, list_size: usize::MAX };

fn size(field: &Pair) -> usize {
    field.0.len() + field.1.len() + 32
}

/// RFC 7541 as it reads, without a thought for time.
struct Plain {
    /// Newest first.
    table: Vec<Pair>,
    max: usize,
    limit: usize,
    required: Option<usize>,
}

impl Plain {
    fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        if self.max > limit {
            self.required = Some(limit);
            self.set_max(limit);
        }
    }

    fn set_max(&mut self, max: usize) {
        self.max = max;
        while self.table.iter().map(size).sum::<usize>() > max {
            self.table.pop();
        }
    }

    fn insert(&mut self, field: Pair) {
        self.table.insert(0, field);
        self.set_max(self.max);
    }

    fn entry(&self, index: usize) -> Option<Pair> {
        match static_table::get(index) {
            Some((name, value)) => Some((name.to_vec(), value.to_vec())),
            None => self.table.get(index.checked_sub(static_table::LEN + 1)?).cloned(),
        }
    }

    /// The fields of a block, and whether each is sensitive; `None`: it is wrong.
    fn decode(&mut self, mut input: &[u8]) -> Option<Vec<(Pair, bool)>> {
        let (mut fields, mut updates) = (Vec::new(), Vec::new());
        while let Some(&first) = input.first() {
            if first & 0xe0 == 0x20 {
                let size = integer(&mut input, 5)?;
                updates.push(size);
                if !fields.is_empty() || updates.len() > 2 || size > self.limit {
                    return None;
                }
                self.set_max(size);
                continue;
            }
            self.updated(&updates)?;
            if first & 0x80 != 0 {
                let index = integer(&mut input, 7)?;
                fields.push((self.entry(index)?, false));
                continue;
            }
            let index = integer(&mut input, if first & 0x40 != 0 { 6 } else { 4 })?;
            let name = if index == 0 { string(&mut input)? } else { self.entry(index)?.0 };
            let field = (name, string(&mut input)?);
            if first & 0x40 != 0 {
                self.insert(field.clone());
            }
            fields.push((field, first & 0xf0 == 0x10));
        }
        if !updates.is_empty() {
            self.updated(&updates)?;
        }
        Some(fields)
    }

    fn updated(&mut self, updates: &[usize]) -> Option<()> {
        match self.required.take() {
            Some(limit) if updates.iter().all(|&size| size > limit) => None,
            _ => Some(()),
        }
    }
}

fn integer(input: &mut &[u8], bits: u32) -> Option<usize> {
    let (rest, value) = prefix_int(input, bits, u64::from(u32::MAX)).ok()?;
    *input = rest;
    Some(value as usize)
}

fn string(input: &mut &[u8]) -> Option<Vec<u8>> {
    let coded = input.first()? & 0x80 != 0;
    let length = integer(input, 7)?;
    let (string, rest) = input.split_at_checked(length)?;
    *input = rest;
    if !coded {
        return Some(string.to_vec());
    }
    let mut text = Vec::new();
    huffman::decode(string, &mut text, usize::MAX).ok()?;
    Some(text)
}

fn fields(block: &HeaderBlock) -> Vec<(Pair, bool)> {
    let list_size: usize = block.iter().map(|field| field.name.len() + field.value.len() + 32).sum();
    assert_eq!(block.list_size(), list_size);
    let fields = block.iter().map(|field| {
        assert_eq!(field.static_name, StaticName::of(field.name));
        ((field.name.to_vec(), field.value.to_vec()), field.sensitive)
    });
    fields.collect()
}

/// Any octets, cut into blocks: our decoder and a plain one say the same, whatever the limits.
pub fn decode(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 12);
    let size = usize::from(choices.byte()) * 17;
    let lowered = usize::from(choices.byte()) * 17;
    let limits = BlockLimits {
        fields: usize::from(choices.byte()),
        list_size: usize::from(choices.byte()) * usize::from(choices.byte()),
    };
    let (mut full, mut limited) = (Decoder::new(size), Decoder::new(size));
    let mut plain = Plain { table: Vec::new(), max: size, limit: size, required: None };
    let (mut all, mut some) = (HeaderBlock::new(), HeaderBlock::new());
    for (at, block) in choices.pieces(payload).into_iter().enumerate() {
        if at == 1 {
            plain.set_limit(lowered);
            full.set_max_table_size(lowered);
            limited.set_max_table_size(lowered);
        }
        let expected = plain.decode(block);
        let decoded = full.decode(block, &NO_LIMITS, &mut all);
        assert_eq!(
            limited.decode(block, &limits, &mut some),
            decoded,
            "limits change nothing but what is kept"
        );
        let Some(expected) = expected else {
            assert!(decoded.unwrap_err().offset() <= block.len());
            return;
        };
        decoded.unwrap();
        assert!(all.exceeded().is_none());
        assert_eq!(fields(&all), expected);

        let kept = fields(&some);
        assert_eq!(kept, expected[..kept.len()]);
        assert!(kept.len() <= limits.fields && some.list_size() <= limits.list_size);
        match expected.get(kept.len()) {
            None => assert_eq!(some.exceeded(), None),
            Some(_) if kept.len() == limits.fields => assert_eq!(some.exceeded(), Some(Exceeded::FieldCount)),
            Some((next, _)) => {
                assert_eq!(some.exceeded(), Some(Exceeded::ListSize));
                assert!(some.list_size() + self::size(next) > limits.list_size);
            }
        }
    }
}

/// Lines are fields, `name:value`, after `!` never indexed and after `-` without indexing; an empty line ends a
/// block; `=` is a limit of the peer. What is encoded decodes to the same.
pub fn round_trip(data: &[u8]) {
    let (text, mut choices) = Choices::split(data, 1);
    let mut encoder = Encoder::new(usize::from(choices.byte()) * 64);
    let mut decoder = Decoder::new(4096);
    let mut out = HeaderBlock::new();
    let (mut expected, mut wire) = (Vec::new(), Vec::new());
    let mut open = false;
    for line in text.split(|&octet| octet == b'\n').chain([&b""[..]]) {
        if line.is_empty() || line[0] == b'=' {
            // Limits come between blocks.
            decoder.decode(&wire, &NO_LIMITS, &mut out).unwrap();
            let got: Vec<Pair> = fields(&out).into_iter().map(|(field, _)| field).collect();
            assert_eq!(got, expected);
            expected.clear();
            wire.clear();
            open = false;
            if let Some((_, number)) = line.split_first() {
                let limit =
                    number.iter().fold(0, |sum, &octet| (sum * 10 + usize::from(octet & 15)) % 100_000);
                encoder.set_peer_limit(limit);
                decoder.set_max_table_size(limit);
            }
            continue;
        }
        let (indexing, field) = match line[0] {
            b'!' => (Indexing::Never, &line[1..]),
            b'-' => (Indexing::Without, &line[1..]),
            _ => (Indexing::Auto, line),
        };
        let colon = field.iter().skip(1).position(|&octet| octet == b':').map_or(field.len(), |at| at + 1);
        let (name, value) = (&field[..colon], field.get(colon + 1..).unwrap_or_default());
        if name.is_empty() {
            continue;
        }
        if !open {
            encoder.start(&mut wire);
            open = true;
        }
        let start = wire.len();
        encoder.field(&mut wire, name.into(), value, indexing);
        assert!(indexing != Indexing::Never || wire[start] & 0xf0 == 0x10);
        assert!(indexing != Indexing::Without || wire[start] & 0xc0 != 0x40);
        assert!(wire.len() - start <= name.len() + value.len() + 12, "longer than without compression");
        expected.push((name.to_vec(), value.to_vec()));

        let mut coded = Vec::new();
        huffman::encode(value, &mut coded);
        assert_eq!(coded.len(), huffman::encoded_len(value));
        let mut text = Vec::new();
        huffman::decode(&coded, &mut text, value.len()).unwrap();
        assert_eq!(text, value);
    }
}
