//! Real header blocks: the stories of hpack-test-case, each with a codec of its own.

mod support;

use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;
use support::{Pair, decode, encode, hex};
use wirelace_hpack::{Decoder, Encoder};

struct Case {
    wire: Option<Vec<u8>>,
    table_size: Option<usize>,
    fields: Vec<Pair>,
}

/// The stories of a file; `None`, and loudly, if it is not there.
fn stories(name: &str) -> Option<Vec<Vec<Case>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/hpack")
        .join(format!("{name}.json.gz"));
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let all: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let story = |story: &Value| story["cases"].as_array().unwrap().iter().map(case).collect();
    Some(all.values().map(story).collect())
}

fn case(case: &Value) -> Case {
    let pair = |field: &Value| {
        let (name, value) = field.as_object().unwrap().iter().next().unwrap();
        (name.clone().into_bytes(), value.as_str().unwrap().as_bytes().to_vec())
    };
    Case {
        wire: case.get("wire").map(|wire| hex(wire.as_str().unwrap())),
        table_size: case.get("header_table_size").map(|size| size.as_u64().unwrap() as usize),
        fields: case["headers"].as_array().unwrap().iter().map(pair).collect(),
    }
}

/// Decodes every block of a file; the counts are those that the file is known to have.
fn decodes(name: &str, story_count: usize, block_count: usize) {
    let Some(stories) = stories(name) else { return };
    assert_eq!(stories.len(), story_count);
    let mut blocks = 0;
    for (story, cases) in stories.iter().enumerate() {
        let mut decoder = Decoder::new(4096);
        for (at, case) in cases.iter().enumerate() {
            if let Some(size) = case.table_size {
                decoder.set_max_table_size(size);
            }
            let fields = decode(&mut decoder, case.wire.as_ref().unwrap());
            assert_eq!(fields.as_ref(), Ok(&case.fields), "{name}: story {story}, block {at}");
            blocks += 1;
        }
    }
    assert_eq!(blocks, block_count);
}

#[test]
fn nghttp2() {
    decodes("nghttp2", 32, 3384);
}

#[test]
fn nghttp2_changing_the_table_size() {
    decodes("nghttp2-change-table-size", 31, 3267);
}

#[test]
fn go() {
    decodes("go-hpack", 32, 3384);
}

#[test]
fn haskell() {
    decodes("haskell-http2-linear-huffman", 32, 3384);
}

/// Octets in and out of our encoder, with a table of that size; all of it is decoded again.
fn encoded(table_size: usize) -> Option<(usize, usize)> {
    let stories = stories("raw-data")?;
    let (mut raw, mut wire) = (0, 0);
    for cases in &stories {
        let (mut encoder, mut decoder) = (Encoder::new(table_size), Decoder::new(4096.max(table_size)));
        encoder.set_peer_limit(table_size);
        for case in cases {
            let block = encode(&mut encoder, &case.fields);
            assert_eq!(decode(&mut decoder, &block).as_ref(), Ok(&case.fields));
            raw += case.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            wire += block.len();
        }
    }
    Some((raw, wire))
}

#[test]
fn ours_are_short() {
    let Some((raw, wire)) = encoded(4096) else { return };
    let ratio = wire as f64 / raw as f64;
    println!("{raw} octets to {wire}: {ratio:.4}");
    assert_eq!(raw, 1_162_372);
    assert!(ratio <= 0.2955, "{ratio:.4}");
}

#[test]
fn tables_of_all_sizes() {
    for size in [0, 1, 32, 33, 64, 100, 1000, 20_000] {
        let Some((_, wire)) = encoded(size) else { return };
        println!("table of {size}: {wire} octets");
    }
}
