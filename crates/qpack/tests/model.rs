//! An encoder and a decoder with a network between them that loses nothing and delays everything: the two instruction
//! streams arrive in pieces, sections in any order across streams, streams are reset. Whatever happens, neither side
//! may find the other at fault, and what is decoded is what was sent.

mod support;

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{NO_LIMITS, Pair, fields};
use wirelace_qpack::hpack::{Indexing, StaticName};
use wirelace_qpack::{Decoder, Encoder, HeaderBlock, Limits, Section};

#[derive(Debug, Clone)]
enum Step {
    /// A section on a stream, perhaps one that had some before.
    Send { stream: u8, section: Vec<(Pair, Indexing)>, credit: Option<u16> },
    /// So many octets of the encoder stream arrive.
    EncoderStream(usize),
    /// The next section of a stream arrives.
    Section(u8),
    /// So many octets of the decoder stream arrive.
    DecoderStream(usize),
    /// The stream is reset; what has not arrived never does.
    Reset(u8),
    /// All that is on its way arrives.
    Settle,
}

fn field() -> impl Strategy<Value = (Pair, Indexing)> {
    let known = (0u64..99).prop_map(|index| wirelace_qpack::static_table::get(index).unwrap().0.to_vec());
    let hpack = (1u8..62).prop_map(|index| StaticName::of_entry(index).unwrap().as_bytes().to_vec());
    let name = prop_oneof![
        2 => known,
        1 => hpack,
        4 => "[a-c]{1,2}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..60)
    ];
    let value = prop_oneof![
        1 => Just(b"GET".to_vec()),
        6 => "[a-c]{0,2}".prop_map(String::into_bytes),
        2 => "[ -~]{0,80}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..400),
    ];
    let indexing =
        prop_oneof![8 => Just(Indexing::Auto), 1 => Just(Indexing::Without), 1 => Just(Indexing::Never)];
    ((name, value), indexing)
}

fn step() -> impl Strategy<Value = Step> {
    let send = (0u8..12, vec(field(), 0..8), proptest::option::weighted(0.1, 0u16..300))
        .prop_map(|(stream, section, credit)| Step::Send { stream, section, credit });
    prop_oneof![
        6 => send,
        3 => (0usize..120).prop_map(Step::EncoderStream),
        6 => (0u8..12).prop_map(Step::Section),
        3 => (0usize..8).prop_map(Step::DecoderStream),
        1 => (0u8..12).prop_map(Step::Reset),
        1 => Just(Step::Settle),
    ]
}

/// A section on its way, and what it says.
type Sent = (Bytes, Vec<Pair>);

struct Model {
    encoder: Encoder,
    decoder: Decoder,
    /// Octets on their way.
    to_decoder: VecDeque<u8>,
    to_encoder: VecDeque<u8>,
    /// What has arrived, and begins with an incomplete instruction.
    at_decoder: BytesMut,
    at_encoder: BytesMut,
    sections: BTreeMap<u64, VecDeque<Sent>>,
    /// What waits at the decoder, by stream.
    waiting: BTreeMap<u64, VecDeque<Vec<Pair>>>,
    /// Ids of streams: a reset one gets another.
    ids: [u64; 12],
    out: HeaderBlock,
    decoded: usize,
}

impl Model {
    fn new(cap: u64, limits: Limits) -> Self {
        let decoder = Decoder::new(limits);
        let mut encoder = Encoder::new(cap);
        encoder.set_peer_limits(limits.table_capacity, limits.blocked_streams).unwrap();
        Self {
            encoder,
            decoder,
            to_decoder: VecDeque::new(),
            to_encoder: VecDeque::new(),
            at_decoder: BytesMut::new(),
            at_encoder: BytesMut::new(),
            sections: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ids: std::array::from_fn(|at| at as u64 * 4),
            out: HeaderBlock::new(),
            decoded: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Send { stream, section, credit } => self.send(*stream, section, *credit),
            Step::EncoderStream(octets) => self.encoder_stream(*octets),
            Step::Section(stream) => self.section(self.ids[usize::from(*stream)]),
            Step::DecoderStream(octets) => self.decoder_stream(*octets),
            Step::Reset(stream) => self.reset(*stream),
            Step::Settle => self.settle(),
        }
        self.to_encoder.extend(self.decoder.output().drain(..));
        self.to_decoder.extend(self.encoder.output().drain(..));
    }

    fn send(&mut self, stream: u8, section: &[(Pair, Indexing)], credit: Option<u16>) {
        let stream = self.ids[usize::from(stream)];
        self.encoder.set_credit(credit.map_or(usize::MAX, usize::from));
        let mut out = Vec::new();
        self.encoder.section(stream, &mut out, |writer| {
            for ((name, value), indexing) in section {
                writer.field(name.as_slice().into(), value, *indexing);
            }
        });
        assert!(credit.is_none_or(|credit| self.encoder.output().len() <= usize::from(credit)));
        let pairs = section.iter().map(|(pair, _)| pair.clone()).collect();
        self.sections.entry(stream).or_default().push_back((out.into(), pairs));
    }

    fn encoder_stream(&mut self, octets: usize) {
        self.at_decoder.extend(self.to_decoder.drain(..octets.min(self.to_decoder.len())));
        self.decoder.encoder_stream(&mut self.at_decoder).unwrap();
        while let Some(stream) = self.decoder.unblocked(&NO_LIMITS, &mut self.out) {
            let stream = stream.unwrap();
            let expected = self.waiting.get_mut(&stream).unwrap().pop_front().unwrap();
            assert_eq!(fields(&self.out), expected);
            self.decoded += 1;
        }
    }

    fn section(&mut self, stream: u64) {
        let Some((encoded, expected)) = self.sections.get_mut(&stream).and_then(VecDeque::pop_front) else {
            return;
        };
        match self.decoder.section(stream, encoded, &NO_LIMITS, &mut self.out).unwrap() {
            Section::Decoded => {
                assert_eq!(fields(&self.out), expected);
                self.decoded += 1;
            }
            Section::Blocked => self.waiting.entry(stream).or_default().push_back(expected),
        }
    }

    fn decoder_stream(&mut self, octets: usize) {
        self.at_encoder.extend(self.to_encoder.drain(..octets.min(self.to_encoder.len())));
        self.encoder.decoder_stream(&mut self.at_encoder).unwrap();
    }

    fn reset(&mut self, stream: u8) {
        let id = &mut self.ids[usize::from(stream)];
        let old = *id;
        *id += 48;
        self.sections.remove(&old);
        self.waiting.remove(&old);
        self.decoder.cancel(old);
    }

    fn settle(&mut self) {
        self.to_decoder.extend(self.encoder.output().drain(..));
        for stream in self.ids {
            while self.sections.get(&stream).is_some_and(|queue| !queue.is_empty()) {
                self.section(stream);
            }
        }
        self.encoder_stream(usize::MAX);
        self.to_encoder.extend(self.decoder.output().drain(..));
        self.decoder_stream(usize::MAX);
        assert!(self.at_decoder.is_empty() && self.at_encoder.is_empty());
        assert_eq!(self.decoder.waiting_streams(), 0);
        if self.decoder.limits().table_capacity >= 32 {
            assert_eq!(self.encoder.unacknowledged_sections(), 0);
        }
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    let capacity = prop_oneof![
        Just(4096u64),
        Just(0),
        // Few entries: Required Insert Counts wrap all the time.
        32u64..200,
        0u64..2000,
        Just(1 << 20)
    ];
    let blocked = prop_oneof![Just(0u64), 1u64..4, Just(100)];
    (capacity, blocked).prop_map(|(table_capacity, blocked_streams)| Limits {
        table_capacity,
        blocked_streams,
        blocked_bytes: 1 << 20,
    })
}

proptest! {
    #[test]
    fn connections(
        limits in limits(),
        cap in prop_oneof![3 => Just(u64::MAX), 1 => 0u64..500],
        steps in vec(step(), 0..150),
    ) {
        let mut model = Model::new(cap, limits);
        steps.iter().for_each(|step| model.step(step));
        model.settle();
    }
}

/// A long connection with little delay: the table turns over many times.
#[test]
fn a_long_connection() {
    for (table_capacity, blocked_streams) in [(4096, 100), (256, 3), (100, 0), (4096, 0)] {
        let limits = Limits { table_capacity, blocked_streams, ..Limits::default() };
        let mut model = Model::new(u64::MAX, limits);
        let mut random = 1u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..20_000 {
            let stream = next(12) as u8;
            let step = match next(16) {
                0..=4 => {
                    let section = (0..next(6))
                        .map(|_| {
                            let (names, values) = (next(9) + 1, next(200) + 1);
                            let name = format!("x-{}", next(names));
                            let value = format!("{}", next(values)).repeat(next(5) as usize);
                            ((name.into_bytes(), value.into_bytes()), Indexing::Auto)
                        })
                        .collect();
                    Step::Send { stream, section, credit: None }
                }
                5..=7 => Step::EncoderStream(next(200) as usize),
                8..=11 => Step::Section(stream),
                12..=13 => Step::DecoderStream(next(10) as usize),
                14 => Step::Settle,
                _ if next(10) == 0 => Step::Reset(stream),
                _ => continue,
            };
            model.step(&step);
        }
        model.settle();
        assert!(model.decoded > 4000, "{}", model.decoded);
    }
}

proptest! {
    /// Sections and instructions that are cut or damaged are refused or mean something else; nothing worse.
    #[test]
    fn damage(
        sections in vec(vec(field(), 0..10), 1..6),
        at in any::<prop::sample::Index>(),
        octet: u8,
        cut: bool,
        which in 0u8..3,
    ) {
        let limits = Limits { table_capacity: 1000, blocked_streams: 4, blocked_bytes: 1000 };
        let mut encoder = Encoder::new(1000);
        encoder.set_peer_limits(1000, 4).unwrap();
        let mut decoder = Decoder::new(limits);
        let block_limits = wirelace_qpack::BlockLimits { fields: 50, list_size: 4000 };
        let mut out = HeaderBlock::new();
        let harm = |octets: &mut Vec<u8>| {
            if !octets.is_empty() {
                let at = at.index(octets.len());
                octets[at] = octet;
                if cut {
                    octets.truncate(at);
                }
            }
        };
        for (stream, section) in sections.iter().enumerate() {
            let mut encoded = Vec::new();
            encoder.section(stream as u64, &mut encoded, |writer| {
                for ((name, value), indexing) in section {
                    writer.field(name.as_slice().into(), value, *indexing);
                }
            });
            let mut instructions = std::mem::take(encoder.output());
            match which {
                0 => harm(&mut encoded),
                1 => harm(&mut instructions),
                _ => {}
            }
            let fed = decoder.encoder_stream(&mut BytesMut::from(&instructions[..]));
            let done = decoder.section(stream as u64, encoded.into(), &block_limits, &mut out);
            if let Err(error) = fed.and(done.map(|_| ())) {
                prop_assert!(!error.to_string().is_empty() && (0x107..=0x201).contains(&error.code()));
                break;
            }
            let mut answer = std::mem::take(decoder.output());
            if which == 2 {
                harm(&mut answer);
            }
            if let Err(error) = encoder.decoder_stream(&mut BytesMut::from(&answer[..])) {
                prop_assert!(error.code() == 0x202 || error.code() == 0x200);
                break;
            }
        }
    }

    #[test]
    fn noise(
        encoder_stream in vec(any::<u8>(), 0..100),
        section in vec(any::<u8>(), 0..100),
        decoder_stream in vec(any::<u8>(), 0..20),
    ) {
        let mut decoder = Decoder::new(Limits::default());
        let mut out = HeaderBlock::new();
        let mut input = BytesMut::from(&b"\x3f\xe1\x1f\x41a\x01b"[..]);
        input.extend_from_slice(&encoder_stream);
        let fed = decoder.encoder_stream(&mut input);
        prop_assert!(fed.is_ok() || fed.is_err_and(|error| error.code() == 0x201));
        let done = decoder.section(0, section.into(), &NO_LIMITS, &mut out);
        prop_assert!(done.is_ok() || done.is_err_and(|error| error.code() == 0x200));
        let mut encoder = Encoder::new(4096);
        encoder.set_peer_limits(4096, 100).unwrap();
        encoder.section(3, &mut Vec::new(), |writer| writer.field("a".into(), b"b", Indexing::Auto));
        let done = encoder.decoder_stream(&mut BytesMut::from(&decoder_stream[..]));
        prop_assert!(done.is_ok() || done.is_err_and(|error| error.code() == 0x202));
    }
}
