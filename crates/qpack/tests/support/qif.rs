//! The files of the QPACK offline interop: field sections as text, and as encoders have written them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use flate2::read::GzDecoder;
use wirelace_qpack::hpack::Indexing;
use wirelace_qpack::wire::prefix_int::write_prefix_int;
use wirelace_qpack::{Decoder, Encoder, Error, HeaderBlock, Limits, Section};

use super::{NO_LIMITS, Pair, fields};

/// The archive's files by their paths; `None`, and loudly, if it is not there.
pub(crate) fn archive() -> Option<BTreeMap<String, Vec<u8>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/qifs/qifs.tar.gz");
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
            let field = &header[range];
            let end = field.iter().position(|&octet| octet == 0).unwrap_or(field.len());
            std::str::from_utf8(&field[..end]).unwrap().trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        if matches!(header[156], b'0' | 0) {
            files.insert(text(0..100).trim_start_matches("./").to_owned(), after[..size].to_vec());
        }
        rest = &after[size.next_multiple_of(512)..];
    }
    Some(files)
}

/// The sections of a `.qif`: a line for each field, an empty one after each section.
pub(crate) fn sections(text: &[u8]) -> Vec<Vec<Pair>> {
    let mut sections = vec![Vec::new()];
    for line in text.split(|&octet| octet == b'\n') {
        if line.is_empty() {
            sections.push(Vec::new());
        } else if line[0] != b'#' {
            let tab = line.iter().position(|&octet| octet == b'\t').unwrap();
            sections.last_mut().unwrap().push((line[..tab].to_vec(), line[tab + 1..].to_vec()));
        }
    }
    sections.retain(|section| !section.is_empty());
    sections
}

/// Streams and their octets; stream 0 is the encoder stream.
pub(crate) fn records(mut file: &[u8]) -> Vec<(u64, &[u8])> {
    let mut records = Vec::new();
    while let Some((stream, rest)) = file.split_first_chunk::<8>() {
        let (length, rest) = rest.split_first_chunk::<4>().unwrap();
        let (octets, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        records.push((u64::from_be_bytes(*stream), octets));
        file = rest;
    }
    records
}

/// Decodes a file; sections in the order of their streams.
pub(crate) fn decode(
    file: &[u8],
    table_capacity: u64,
    blocked_streams: u64,
) -> Result<Vec<Vec<Pair>>, Error> {
    let mut decoder = Decoder::new(Limits { table_capacity, blocked_streams, ..Limits::default() });
    let mut out = HeaderBlock::new();
    let mut sections = BTreeMap::new();
    let mut encoder_stream = BytesMut::new();
    // The files leave out what sets the capacity: it is that of their names from the start.
    let mut set_capacity = Vec::new();
    write_prefix_int(&mut set_capacity, 5, 0x20, table_capacity);
    decoder.encoder_stream(&mut BytesMut::from(&set_capacity[..]))?;
    for (stream, octets) in records(file) {
        if stream == 0 {
            encoder_stream.extend_from_slice(octets);
            decoder.encoder_stream(&mut encoder_stream)?;
            while let Some(stream) = decoder.unblocked(&NO_LIMITS, &mut out) {
                sections.insert(stream?, fields(&out));
            }
        } else if decoder.section(stream, Bytes::copy_from_slice(octets), &NO_LIMITS, &mut out)?
            == Section::Decoded
        {
            sections.insert(stream, fields(&out));
        }
        decoder.output().clear();
    }
    assert!(encoder_stream.is_empty(), "an instruction is incomplete");
    assert_eq!(decoder.waiting_streams(), 0, "a section still waits");
    Ok(sections.into_values().collect())
}

/// What our encoder makes of these sections, as such a file. With `acknowledged` the peer has decoded each section
/// before the next.
pub(crate) fn encode(
    sections: &[Vec<Pair>],
    table_capacity: u64,
    blocked_streams: u64,
    acknowledged: bool,
) -> Vec<u8> {
    let mut encoder = Encoder::new(table_capacity);
    encoder.set_peer_limits(table_capacity, blocked_streams).unwrap();
    let mut decoder = Decoder::new(Limits { table_capacity, blocked_streams, ..Limits::default() });
    let mut block = HeaderBlock::new();
    let mut file = Vec::new();
    let mut record = |stream: u64, octets: &[u8]| {
        file.extend_from_slice(&stream.to_be_bytes());
        file.extend_from_slice(&(octets.len() as u32).to_be_bytes());
        file.extend_from_slice(octets);
    };
    for (number, section) in sections.iter().enumerate() {
        let stream = number as u64 + 1;
        let mut out = Vec::new();
        encoder.section(stream, &mut out, |writer| {
            for (name, value) in section {
                writer.field(name.as_slice().into(), value, Indexing::Auto);
            }
        });
        let instructions = std::mem::take(encoder.output());
        if !instructions.is_empty() {
            record(0, &instructions);
        }
        record(stream, &out);
        if acknowledged {
            decoder.encoder_stream(&mut BytesMut::from(&instructions[..])).unwrap();
            decoder.section(stream, out.into(), &NO_LIMITS, &mut block).unwrap();
            assert_eq!(fields(&block), *section);
            encoder.decoder_stream(&mut BytesMut::from(&decoder.output()[..])).unwrap();
            decoder.output().clear();
        }
    }
    file
}
