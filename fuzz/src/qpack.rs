//! `qpack`: the decoder against a plain one that has a list for a table, and connections there and back.

use std::collections::VecDeque;

use crate::input::Choices;
use bytes::{Bytes, BytesMut};
use wirelace_hpack::{BlockLimits, HeaderBlock, Indexing, StaticName, huffman};
use wirelace_qpack::{Decoder, Encoder, Limits, Section, static_table};
use wirelace_wire::prefix_int::{PREFIX_INT_MAX, prefix_int};

type Pair = (Vec<u8>, Vec<u8>);

const NO_LIMITS: BlockLimits = BlockLimits { fields: usize::MAX, list_size: usize::MAX };

/// Of the section or the instruction: not all there, or wrong.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Incomplete,
    Wrong,
}

/// RFC 9204 as it reads, without a thought for time.
struct Plain {
    /// All entries that there ever were.
    entries: Vec<Pair>,
    /// How many of them were evicted.
    evicted: usize,
    capacity: usize,
    limit: usize,
}

impl Plain {
    fn size(&self) -> usize {
        self.entries[self.evicted..].iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    }

    fn evict_to(&mut self, size: usize) {
        while self.size() > size {
            self.evicted += 1;
        }
    }

    fn entry(&self, number: Option<usize>) -> Result<Pair, Stop> {
        let number = number.filter(|&number| number >= self.evicted).ok_or(Stop::Wrong)?;
        self.entries.get(number).cloned().ok_or(Stop::Wrong)
    }

    fn insert(&mut self, entry: Pair) -> Result<(), Stop> {
        let size = entry.0.len() + entry.1.len() + 32;
        self.evict_to(self.capacity.checked_sub(size).ok_or(Stop::Wrong)?);
        self.entries.push(entry);
        Ok(())
    }

    /// One instruction, taken from `input` if it is all there. A string that is too long for the table is wrong as
    /// soon as that is known, which the caller finds out by the other decoder.
    fn instruction(&mut self, input: &mut &[u8]) -> Result<(), Stop> {
        let mut rest = *input;
        let first = *rest.first().ok_or(Stop::Incomplete)?;
        if first & 0xe0 == 0x20 {
            let capacity = integer(&mut rest, 5)?;
            if capacity > self.limit {
                return Err(Stop::Wrong);
            }
            self.capacity = capacity;
            self.evict_to(capacity);
        } else if first & 0xe0 == 0 {
            let index = integer(&mut rest, 5)?;
            let entry = self.entry(self.entries.len().checked_sub(index.saturating_add(1)))?;
            self.insert(entry)?;
        } else {
            let name = if first & 0x80 != 0 {
                let index = integer(&mut rest, 6)?;
                if first & 0x40 != 0 {
                    static_table::get(index as u64).ok_or(Stop::Wrong)?.0.to_vec()
                } else {
                    self.entry(self.entries.len().checked_sub(index.saturating_add(1)))?.0
                }
            } else {
                // Not before the value is there.
                let mut value = rest;
                raw(&mut value, 5)?;
                raw(&mut value, 7)?;
                string(&mut rest, 5)?
            };
            let value = string(&mut rest, 7)?;
            self.insert((name, value))?;
        }
        *input = rest;
        Ok(())
    }

    /// The Required Insert Count and the Base of a section, and the rest of it.
    fn prefix<'a>(&self, mut input: &'a [u8]) -> Result<(usize, usize, &'a [u8]), Stop> {
        let encoded = integer(&mut input, 8)?;
        let negative = input.first().is_some_and(|first| first & 0x80 != 0);
        let delta = integer(&mut input, 7)?;
        // Whatever could be meant, one after the other.
        let (inserted, max_entries) = (self.entries.len(), self.limit / 32);
        let range = 2 * max_entries;
        let required = if encoded == 0 {
            0
        } else {
            let lowest = (inserted + 1).saturating_sub(max_entries).max(1);
            let mut possible = lowest..=inserted + max_entries;
            possible.find(|count| count % range + 1 == encoded).ok_or(Stop::Wrong)?
        };
        let base = if negative { required.checked_sub(delta + 1) } else { required.checked_add(delta) };
        Ok((required, base.ok_or(Stop::Wrong)?, input))
    }

    /// The fields of a section whose prefix was read, and whether each is sensitive.
    fn fields(&self, required: usize, base: usize, mut input: &[u8]) -> Result<Vec<(Pair, bool)>, Stop> {
        let dynamic = |number: Option<usize>| self.entry(number.filter(|&number| number < required));
        let relative = |index: usize| dynamic(base.checked_sub(index.saturating_add(1)));
        let post_base = |index: usize| dynamic(base.checked_add(index));
        let fixed = |index: usize| {
            static_table::get(index as u64)
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .ok_or(Stop::Wrong)
        };
        let mut fields = Vec::new();
        while let Some(&first) = input.first() {
            let field = if first & 0xc0 == 0xc0 {
                (fixed(integer(&mut input, 6)?)?, false)
            } else if first & 0x80 != 0 {
                (relative(integer(&mut input, 6)?)?, false)
            } else if first & 0xf0 == 0x10 {
                (post_base(integer(&mut input, 4)?)?, false)
            } else {
                let (name, sensitive) = if first & 0x50 == 0x50 {
                    (fixed(integer(&mut input, 4)?)?.0, first & 0x20 != 0)
                } else if first & 0x40 != 0 {
                    (relative(integer(&mut input, 4)?)?.0, first & 0x20 != 0)
                } else if first & 0x20 != 0 {
                    (string(&mut input, 3)?, first & 0x10 != 0)
                } else {
                    (post_base(integer(&mut input, 3)?)?.0, first & 0x08 != 0)
                };
                ((name, string(&mut input, 7)?), sensitive)
            };
            fields.push(field);
        }
        Ok(fields)
    }
}

fn integer(input: &mut &[u8], bits: u32) -> Result<usize, Stop> {
    match prefix_int(input, bits, PREFIX_INT_MAX) {
        Ok((rest, value)) => {
            *input = rest;
            Ok(value as usize)
        }
        Err(error) if error.is_incomplete() => Err(Stop::Incomplete),
        Err(_) => Err(Stop::Wrong),
    }
}

/// A string as it was sent, and whether it is coded.
fn raw<'a>(input: &mut &'a [u8], bits: u32) -> Result<(&'a [u8], bool), Stop> {
    let coded = input.first().ok_or(Stop::Incomplete)? >> bits & 1 != 0;
    let length = integer(input, bits)?;
    let (string, rest) = input.split_at_checked(length).ok_or(Stop::Incomplete)?;
    *input = rest;
    Ok((string, coded))
}

fn string(input: &mut &[u8], bits: u32) -> Result<Vec<u8>, Stop> {
    let (string, coded) = raw(input, bits)?;
    if !coded {
        return Ok(string.to_vec());
    }
    let mut text = Vec::new();
    huffman::decode(string, &mut text, usize::MAX).map_err(|_| Stop::Wrong)?;
    Ok(text)
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

/// Any octets, cut into pieces that are by turns for the encoder stream and sections: our decoder and a plain one say
/// the same.
pub fn decode(data: &[u8]) {
    let (payload, mut choices) = Choices::split(data, 16);
    let limit = usize::from(choices.byte()) * 17;
    let limits = Limits {
        table_capacity: limit as u64,
        blocked_streams: u64::from(choices.byte() % 4),
        blocked_bytes: 1000,
    };
    let block_limits =
        BlockLimits { fields: usize::from(choices.byte()), list_size: usize::from(choices.byte()) * 9 };
    let mut decoder = Decoder::new(limits);
    let mut plain = Plain { entries: Vec::new(), evicted: 0, capacity: 0, limit };
    let (mut out, mut some) = (HeaderBlock::new(), HeaderBlock::new());
    let mut encoder_stream = BytesMut::new();
    // Sections that wait, each on a stream of its own.
    let mut waiting: VecDeque<(u64, usize, usize, &[u8])> = VecDeque::new();
    for (number, piece) in choices.pieces(payload).into_iter().enumerate() {
        let stream = number as u64;
        if number % 2 == 0 {
            encoder_stream.extend_from_slice(piece);
            let all = encoder_stream.clone();
            let taken = decoder.encoder_stream(&mut encoder_stream);
            let mut rest = &all[..all.len() - encoder_stream.len()];
            while !rest.is_empty() {
                plain.instruction(&mut rest).unwrap();
            }
            if let Err(error) = taken {
                assert_eq!(error.code(), 0x201);
                // What was too long may not be all there.
                _ = plain.instruction(&mut &encoder_stream[..]).unwrap_err();
                return;
            }
            assert_eq!(plain.instruction(&mut &encoder_stream[..]), Err(Stop::Incomplete));
            assert!(encoder_stream.len() <= 4 * plain.capacity + 40);
            while let Some(unblocked) = decoder.unblocked(&NO_LIMITS, &mut out) {
                let ready = waiting.iter().position(|section| section.1 <= plain.entries.len()).unwrap();
                let (stream, required, base, rest) = waiting.remove(ready).unwrap();
                match plain.fields(required, base, rest) {
                    Ok(expected) => {
                        assert_eq!(unblocked, Ok(stream));
                        assert_eq!(fields(&out), expected);
                    }
                    Err(_) => {
                        assert_eq!(unblocked.unwrap_err().code(), 0x200);
                        return;
                    }
                }
            }
            assert!(waiting.iter().all(|section| section.1 > plain.entries.len()));
            continue;
        }
        let expected = plain.prefix(piece);
        let done = decoder.section(stream, Bytes::copy_from_slice(piece), &NO_LIMITS, &mut out);
        let Ok((required, base, rest)) = expected else {
            assert_eq!(done.unwrap_err().code(), 0x200);
            return;
        };
        if required > plain.entries.len() {
            if waiting.len() as u64 == limits.blocked_streams {
                assert_eq!(done.unwrap_err().code(), 0x200);
                return;
            }
            match done {
                Ok(done) => assert_eq!(done, Section::Blocked),
                Err(error) => {
                    assert_eq!(error.code(), 0x107);
                    return;
                }
            }
            waiting.push_back((stream, required, base, rest));
            if piece.len() % 5 == 0 {
                decoder.cancel(stream);
                waiting.pop_back();
            }
            continue;
        }
        match plain.fields(required, base, rest) {
            Ok(expected) => {
                assert_eq!(done, Ok(Section::Decoded));
                assert_eq!(fields(&out), expected);
                let done = decoder.section(stream, Bytes::copy_from_slice(piece), &block_limits, &mut some);
                assert_eq!(done, Ok(Section::Decoded));
                let kept = fields(&some);
                assert_eq!(kept, expected[..kept.len()]);
                assert!(kept.len() <= block_limits.fields && some.list_size() <= block_limits.list_size);
                assert_eq!(some.exceeded().is_some(), kept.len() < expected.len());
            }
            Err(_) => {
                assert_eq!(done.unwrap_err().code(), 0x200);
                return;
            }
        }
    }
}

/// Lines are fields, `name:value`, after `!` never indexed and after `-` without indexing; an empty line ends a
/// section. `<`, `>` and `=` let some of the encoder stream, of the decoder stream, or the oldest section arrive, and
/// `~` resets its stream. What is encoded decodes to the same.
pub fn round_trip(data: &[u8]) {
    let (text, mut choices) = Choices::split(data, 3);
    let table_capacity = u64::from(choices.byte()) * 32;
    let blocked_streams = u64::from(choices.byte() % 8);
    let mut encoder = Encoder::new(u64::from(choices.byte()) * 64);
    encoder.set_peer_limits(table_capacity, blocked_streams).unwrap();
    let mut decoder = Decoder::new(Limits { table_capacity, blocked_streams, blocked_bytes: usize::MAX });
    let mut out = HeaderBlock::new();
    let (mut to_decoder, mut to_encoder) = (VecDeque::new(), VecDeque::new());
    let (mut at_decoder, mut at_encoder) = (BytesMut::new(), BytesMut::new());
    let mut sections: VecDeque<(u64, Bytes, Vec<Pair>)> = VecDeque::new();
    let mut waiting: Vec<(u64, Vec<Pair>)> = Vec::new();
    let mut section: Vec<(Pair, Indexing)> = Vec::new();
    let mut stream = 0;
    let pairs =
        |block: &HeaderBlock| -> Vec<Pair> { fields(block).into_iter().map(|(pair, _)| pair).collect() };
    // At the end everything arrives.
    let end = [&b""[..]]
        .into_iter()
        .chain([&b"="[..]].into_iter().cycle().take(data.len()))
        .chain([&b"<~~~~"[..], b">~~~~"]);
    for line in text.split(|&octet| octet == b'\n').chain(end) {
        let octets = line.iter().skip(1).map(|&octet| usize::from(octet)).sum::<usize>();
        match line.first() {
            None => {
                if section.is_empty() {
                    continue;
                }
                let mut encoded = Vec::new();
                encoder.section(stream, &mut encoded, |writer| {
                    for ((name, value), indexing) in &section {
                        writer.field(name.as_slice().into(), value, *indexing);
                    }
                });
                let pairs = section.drain(..).map(|(pair, _)| pair).collect();
                sections.push_back((stream, encoded.into(), pairs));
                to_decoder.extend(encoder.output().drain(..));
                stream += 4;
            }
            Some(b'<') => {
                let octets = if octets > 500 { to_decoder.len() } else { octets.min(to_decoder.len()) };
                at_decoder.extend(to_decoder.drain(..octets));
                decoder.encoder_stream(&mut at_decoder).unwrap();
                while let Some(ready) = decoder.unblocked(&NO_LIMITS, &mut out) {
                    let ready = ready.unwrap();
                    let at = waiting.iter().position(|section| section.0 == ready).unwrap();
                    assert_eq!(pairs(&out), waiting.remove(at).1);
                }
                to_encoder.extend(decoder.output().drain(..));
            }
            Some(b'>') => {
                let octets = if octets > 500 { to_encoder.len() } else { octets.min(to_encoder.len()) };
                at_encoder.extend(to_encoder.drain(..octets));
                encoder.decoder_stream(&mut at_encoder).unwrap();
            }
            Some(b'=') => {
                let Some((stream, encoded, expected)) = sections.pop_front() else { continue };
                match decoder.section(stream, encoded, &NO_LIMITS, &mut out).unwrap() {
                    Section::Decoded => assert_eq!(pairs(&out), expected),
                    Section::Blocked => waiting.push((stream, expected)),
                }
                to_encoder.extend(decoder.output().drain(..));
            }
            Some(b'~') => {
                let Some((stream, _, _)) = sections.pop_front() else { continue };
                decoder.cancel(stream);
                to_encoder.extend(decoder.output().drain(..));
            }
            Some(&first) => {
                let (indexing, field) = match first {
                    b'!' => (Indexing::Never, &line[1..]),
                    b'-' => (Indexing::Without, &line[1..]),
                    _ => (Indexing::Auto, line),
                };
                let colon =
                    field.iter().skip(1).position(|&octet| octet == b':').map_or(field.len(), |at| at + 1);
                let (name, value) = (&field[..colon], field.get(colon + 1..).unwrap_or_default());
                section.push(((name.to_vec(), value.to_vec()), indexing));
            }
        }
    }
    assert!(waiting.is_empty() && sections.is_empty());
    assert_eq!(decoder.waiting_streams(), 0);
    if table_capacity > 0 {
        assert_eq!(encoder.unacknowledged_sections(), 0);
    }
}
