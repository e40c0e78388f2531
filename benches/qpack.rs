//! QPACK on the header lists of the offline interop, with a table of 4096 octets and 100 blocked streams. Figures are
//! for all sections of a file; HPACK beside it has the same fields.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use wirelace_qpack::hpack::{self, Indexing, Name, StaticName};
use wirelace_qpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Limits};

const LIMITS: BlockLimits = BlockLimits { fields: 1000, list_size: 1 << 20 };
const TABLE: Limits = Limits { table_capacity: 4096, blocked_streams: 100, blocked_bytes: 1 << 20 };

/// The fields of a section.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The sections of a file.
fn originals() -> Option<BTreeMap<String, Vec<Fields>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/qifs/qifs.tar.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    let mut tar = Vec::new();
    GzDecoder::new(file).read_to_end(&mut tar).unwrap();
    let mut files = BTreeMap::new();
    let mut rest = &tar[..];
    // Blocks of 512 octets: a header with name and octal size, and the file.
    while rest.len() >= 512 && rest[0] != 0 {
        let (header, after) = rest.split_at(512);
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&header[range]).trim_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        if let Some(name) = text(0..100).strip_suffix(".qif")
            && let Some((_, name)) = name.rsplit_once('/')
            && ["fb-req", "fb-resp", "netbsd"].contains(&name)
        {
            files.insert(name.to_owned(), sections(&String::from_utf8_lossy(&after[..size])));
        }
        rest = &after[size.next_multiple_of(512)..];
    }
    Some(files)
}

fn sections(text: &str) -> Vec<Fields> {
    let field = |line: &str| {
        let (name, value) = line.split_once('\t').unwrap();
        (name.as_bytes().to_vec(), value.as_bytes().to_vec())
    };
    let lines = |section: &str| section.lines().filter(|line| line.contains('\t')).map(field).collect();
    let sections = text.split("\n\n").map(lines);
    sections.filter(|section: &Fields| !section.is_empty()).collect()
}

/// A name as those who have looked it up before give it.
fn known(name: &[u8]) -> Name<'_> {
    StaticName::of(name).map_or(Name::Literal(name), Name::Static)
}

fn octets(sections: &[Fields]) -> u64 {
    sections.iter().flatten().map(|(name, value)| (name.len() + value.len()) as u64).sum()
}

/// Instructions and section, as our encoder writes them when each section is acknowledged before the next.
fn encoded(sections: &[Fields]) -> Vec<(Vec<u8>, Bytes)> {
    let mut encoder = Encoder::new(4096);
    encoder.set_peer_limits(4096, 100).unwrap();
    let mut acknowledgment = BytesMut::new();
    let mut write = |section: &Fields| {
        let mut out = Vec::new();
        encoder.section(4, &mut out, |writer| {
            section.iter().for_each(|(name, value)| writer.field(known(name), value, Indexing::Auto));
        });
        if out[0] != 0 {
            acknowledgment.extend_from_slice(&[0x84]);
            encoder.decoder_stream(&mut acknowledgment).unwrap();
        }
        (std::mem::take(encoder.output()), Bytes::from(out))
    };
    sections.iter().map(&mut write).collect()
}

fn decode(criterion: &mut Criterion) {
    let Some(files) = originals() else { return };
    let mut out = HeaderBlock::new();
    for (name, sections) in &files {
        let mut group = criterion.benchmark_group(format!("qpack-decode/{name}"));
        group.throughput(Throughput::Bytes(octets(sections)));
        let wire = encoded(sections);
        let mut instructions_in = BytesMut::new();
        group.bench_function("ours", |bencher| {
            bencher.iter(|| {
                let mut decoder = Decoder::new(TABLE);
                for (instructions, section) in &wire {
                    instructions_in.extend_from_slice(instructions);
                    decoder.encoder_stream(&mut instructions_in).unwrap();
                    decoder.section(4, section.clone(), &LIMITS, &mut out).unwrap();
                    out.iter().for_each(|field| _ = black_box((field.name, field.value)));
                    decoder.output().clear();
                }
            });
        });
        let mut encoder = hpack::Encoder::new(4096);
        let blocks: Vec<Vec<u8>> = sections
            .iter()
            .map(|section| {
                let mut block = Vec::new();
                encoder.start(&mut block);
                for (name, value) in section {
                    encoder.field(&mut block, known(name), value, Indexing::Auto);
                }
                block
            })
            .collect();
        group.bench_function("hpack", |bencher| {
            bencher.iter(|| {
                let mut decoder = hpack::Decoder::new(4096);
                for block in &blocks {
                    decoder.decode(block, &LIMITS, &mut out).unwrap();
                    out.iter().for_each(|field| _ = black_box((field.name, field.value)));
                }
            });
        });
        group.finish();
    }
}

fn encode(criterion: &mut Criterion) {
    let Some(files) = originals() else { return };
    for (name, sections) in &files {
        let mut group = criterion.benchmark_group(format!("qpack-encode/{name}"));
        group.throughput(Throughput::Bytes(octets(sections)));
        let mut out = Vec::new();
        let mut acknowledgment = BytesMut::new();
        group.bench_function("ours", |bencher| {
            bencher.iter(|| {
                let mut encoder = Encoder::new(4096);
                encoder.set_peer_limits(4096, 100).unwrap();
                for section in sections {
                    out.clear();
                    encoder.section(4, &mut out, |writer| {
                        section
                            .iter()
                            .for_each(|(name, value)| writer.field(known(name), value, Indexing::Auto));
                    });
                    if out[0] != 0 {
                        acknowledgment.extend_from_slice(&[0x84]);
                        encoder.decoder_stream(&mut acknowledgment).unwrap();
                    }
                    black_box((&out, encoder.output()));
                    encoder.output().clear();
                }
            });
        });
        group.bench_function("hpack", |bencher| {
            bencher.iter(|| {
                let mut encoder = hpack::Encoder::new(4096);
                for section in sections {
                    out.clear();
                    encoder.start(&mut out);
                    for (name, value) in section {
                        encoder.field(&mut out, known(name), value, Indexing::Auto);
                    }
                    black_box(&out);
                }
            });
        });
        group.finish();
    }
}

criterion_group!(all, decode, encode);
criterion_main!(all);
