//! HPACK on the header blocks of the hpack-test-case stories, with a codec for each story. Figures are for all blocks
//! of all stories; `benches/peers/hpack` has nghttp2 beside ours, in one process.

use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use serde_json::Value;
use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing, Name, StaticName, huffman};

const LIMITS: BlockLimits = BlockLimits { fields: 1000, list_size: 1 << 20 };

/// A header block as nghttp2 encodes it, and its names and values.
struct Block {
    wire: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The fields of a block, with names as an encoder takes them.
type Named<'a> = Vec<(Name<'a>, &'a [u8])>;

fn stories() -> Option<Vec<Vec<Block>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/hpack/nghttp2.json.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let all: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    Some(all.values().map(|story| story["cases"].as_array().unwrap().iter().map(block).collect()).collect())
}

fn block(case: &Value) -> Block {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    let wire = case["wire"].as_str().unwrap().as_bytes();
    let field = |field: &Value| {
        let (name, value) = field.as_object().unwrap().iter().next().unwrap();
        (name.clone().into_bytes(), value.as_str().unwrap().as_bytes().to_vec())
    };
    Block {
        wire: wire.chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect(),
        fields: case["headers"].as_array().unwrap().iter().map(field).collect(),
    }
}

/// A name as those who have looked it up before give it.
fn known(name: &[u8]) -> Name<'_> {
    StaticName::of(name).map_or(Name::Literal(name), Name::Static)
}

fn octets(stories: &[Vec<Block>]) -> u64 {
    let fields = stories.iter().flatten().flat_map(|block| &block.fields);
    fields.map(|(name, value)| (name.len() + value.len()) as u64).sum()
}

fn decode(criterion: &mut Criterion) {
    let Some(stories) = stories() else { return };
    let mut group = criterion.benchmark_group("hpack-decode");
    group.throughput(Throughput::Bytes(octets(&stories)));
    let mut out = HeaderBlock::new();
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            for story in &stories {
                let mut decoder = Decoder::new(4096);
                for block in story {
                    decoder.decode(&block.wire, &LIMITS, &mut out).unwrap();
                    out.iter().for_each(|field| _ = black_box((field.name, field.value)));
                }
            }
        });
    });
    // What a connection does: the octets of each block leave with its fields.
    group.bench_function("ours, arena taken", |bencher| {
        bencher.iter(|| {
            for story in &stories {
                let mut decoder = Decoder::new(4096);
                for block in story {
                    decoder.decode(&block.wire, &LIMITS, &mut out).unwrap();
                    black_box((out.take_arena(), out.positions()));
                }
            }
        });
    });
    group.bench_function("httlib-hpack", |bencher| {
        bencher.iter(|| {
            for story in &stories {
                let mut decoder = httlib_hpack::Decoder::with_dynamic_size(4096);
                for block in story {
                    let (mut wire, mut fields) = (block.wire.clone(), Vec::new());
                    decoder.decode(&mut wire, &mut fields).unwrap();
                    black_box(&fields);
                }
            }
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let Some(stories) = stories() else { return };
    let mut group = criterion.benchmark_group("hpack-encode");
    group.throughput(Throughput::Bytes(octets(&stories)));
    let named: Vec<Vec<Named<'_>>> = stories
        .iter()
        .map(|story| {
            let blocks = story.iter();
            blocks.map(|block| block.fields.iter().map(|(name, value)| (known(name), &value[..])).collect())
        })
        .map(Iterator::collect)
        .collect();
    let mut out = Vec::new();
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            for story in &stories {
                let mut encoder = Encoder::new(4096);
                for block in story {
                    out.clear();
                    encoder.start(&mut out);
                    for (name, value) in &block.fields {
                        encoder.field(&mut out, name.as_slice().into(), value, Indexing::Auto);
                    }
                    black_box(&out);
                }
            }
        });
    });
    group.bench_function("ours, names known", |bencher| {
        bencher.iter(|| {
            for story in &named {
                let mut encoder = Encoder::new(4096);
                for block in story {
                    out.clear();
                    encoder.start(&mut out);
                    for (name, value) in block {
                        encoder.field(&mut out, *name, value, Indexing::Auto);
                    }
                    black_box(&out);
                }
            }
        });
    });
    group.bench_function("httlib-hpack", |bencher| {
        use httlib_hpack::Encoder;
        let flags =
            Encoder::HUFFMAN_NAME | Encoder::HUFFMAN_VALUE | Encoder::WITH_INDEXING | Encoder::BEST_FORMAT;
        bencher.iter(|| {
            for story in &stories {
                let mut encoder = Encoder::with_dynamic_size(4096);
                for block in story {
                    let mut out = Vec::new();
                    for (name, value) in &block.fields {
                        encoder.encode((name.clone(), value.clone(), flags), &mut out).unwrap();
                    }
                    black_box(&out);
                }
            }
        });
    });
    group.finish();
}

/// All values of the stories, each by itself.
fn strings(criterion: &mut Criterion) {
    let Some(stories) = stories() else { return };
    let fields = stories.iter().flatten().flat_map(|block| &block.fields);
    let values: Vec<&[u8]> = fields.map(|(_, value)| &value[..]).filter(|value| !value.is_empty()).collect();
    let coded = |value: &&[u8]| {
        let mut coded = Vec::new();
        huffman::encode(value, &mut coded);
        coded
    };
    let coded: Vec<Vec<u8>> = values.iter().map(coded).collect();
    let mut group = criterion.benchmark_group("huffman");
    group.throughput(Throughput::Bytes(values.iter().map(|value| value.len() as u64).sum()));
    let mut out = Vec::new();
    group.bench_function("decode/ours", |bencher| {
        bencher.iter(|| {
            for string in &coded {
                out.clear();
                huffman::decode(string, &mut out, 1 << 16).unwrap();
                black_box(&out);
            }
        });
    });
    group.bench_function("encode/ours", |bencher| {
        bencher.iter(|| {
            for value in &values {
                out.clear();
                huffman::encode(value, &mut out);
                black_box(&out);
            }
        });
    });
    group.finish();
}

criterion_group!(all, decode, encode, strings);
criterion_main!(all);
