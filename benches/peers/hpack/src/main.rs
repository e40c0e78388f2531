//! Prints what each codec takes for a block of the hpack-test-case stories: best and median of the rounds. All get
//! the same blocks in the same order, with a fresh codec for each story, and take turns.
//!
//! usage: wirelace-peer-hpack FOLDER-OF-STORIES [ROUNDS]

mod nghttp2;
mod stories;

use std::hint::black_box;
use std::time::{Duration, Instant};

use stories::{Block, Story};
use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing, huffman};

const LIMITS: BlockLimits = BlockLimits { fields: 1000, list_size: 1 << 20 };

/// One codec's work on all stories: returns how many octets it made, which all have to agree on if they decode.
type Work<'a> = (&'static str, Box<dyn FnMut() -> usize + 'a>);

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().expect("usage: wirelace-peer-hpack FOLDER-OF-STORIES [ROUNDS]");
    let rounds = args.next().map_or(15, |text| text.parse().expect("ROUNDS is a number"));
    let stories = stories::load(&folder, "nghttp2");
    let blocks: usize = stories.iter().map(Vec::len).sum();
    let raw: usize = stories.iter().flatten().map(Block::raw).sum();
    println!("nghttp2 {}", nghttp2::version());
    println!("{} stories, {blocks} blocks, {raw} octets of names and values", stories.len());

    let mut out = HeaderBlock::new();
    let mut decoders: Vec<Work<'_>> = vec![
        ("decode ours", Box::new(|| decode_ours(&stories, &mut out))),
        ("decode nghttp2", Box::new(|| stories.iter().map(|story| nghttp2::decode(story)).sum())),
        ("decode httlib-hpack", Box::new(|| decode_httlib(&stories))),
    ];
    for (name, work) in &mut decoders {
        assert_eq!(work(), raw, "{name} decodes to something else");
    }
    race(&mut decoders, rounds, blocks, raw);

    let mut buffer = Vec::new();
    let mut encoders: Vec<Work<'_>> = vec![
        ("encode ours", Box::new(|| encode_ours(&stories, &mut buffer))),
        ("encode nghttp2", Box::new(|| stories.iter().map(|story| nghttp2::encode(story)).sum())),
        ("encode httlib-hpack", Box::new(|| encode_httlib(&stories))),
    ];
    for (name, work) in &mut encoders {
        println!("{name}: {} octets", work());
    }
    race(&mut encoders, rounds, blocks, raw);

    let values: Vec<&[u8]> = stories
        .iter()
        .flatten()
        .flat_map(|block| &block.fields)
        .map(|field| &*field.1)
        .filter(|value| !value.is_empty())
        .collect();
    let coded: Vec<Vec<u8>> = values
        .iter()
        .map(|value| {
            let mut coded = Vec::new();
            huffman::encode(value, &mut coded);
            coded
        })
        .collect();
    let text: usize = values.iter().map(|value| value.len()).sum();
    let mut decoded = Vec::with_capacity(1 << 16);
    let mut huffman: Vec<Work<'_>> = vec![(
        "huffman decode ours",
        Box::new(|| {
            let mut sum = 0;
            for string in &coded {
                decoded.clear();
                huffman::decode(string, &mut decoded, 1 << 16).expect("what we have coded");
                sum += black_box(&decoded).len();
            }
            sum
        }),
    )];
    race(&mut huffman, rounds, values.len(), text);
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut huffman: Vec<Work<'_>> = vec![(
        "huffman encode ours",
        Box::new(|| {
            let mut sum = 0;
            for string in &values {
                buffer.clear();
                huffman::encode(string, &mut buffer);
                sum += black_box(&buffer).len();
            }
            sum
        }),
    )];
    race(&mut huffman, rounds, values.len(), text);
}

/// Lets all have a turn, as often as that; `items` is how many blocks or strings a turn is.
fn race(works: &mut [Work<'_>], rounds: usize, items: usize, octets: usize) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); works.len()];
    for _ in 0..rounds {
        for ((_, work), times) in works.iter_mut().zip(&mut times) {
            let start = Instant::now();
            black_box(work());
            times.push(start.elapsed());
        }
    }
    for ((name, _), times) in works.iter().zip(&mut times) {
        times.sort();
        let each = |time: Duration| time.as_nanos() as f64 / items as f64;
        let (best, median) = (times[0], times[times.len() / 2]);
        let speed = octets as f64 / best.as_secs_f64() / 1e6;
        println!("{name:24} best {:8.1} ns  median {:8.1} ns  {speed:7.0} MB/s", each(best), each(median));
    }
}

fn decode_ours(stories: &[Story], out: &mut HeaderBlock) -> usize {
    let mut sum = 0;
    for story in stories {
        let mut decoder = Decoder::new(4096);
        for block in story {
            decoder.decode(&block.wire, &LIMITS, out).expect("a correct block");
            for field in out.iter() {
                sum += black_box(field.name).len() + black_box(field.value).len();
            }
        }
    }
    sum
}

fn encode_ours(stories: &[Story], out: &mut Vec<u8>) -> usize {
    let mut sum = 0;
    for story in stories {
        let mut encoder = Encoder::new(4096);
        for block in story {
            out.clear();
            encoder.start(out);
            for (name, value) in &block.fields {
                encoder.field(out, name.as_slice().into(), value, Indexing::Auto);
            }
            sum += black_box(&*out).len();
        }
    }
    sum
}

fn decode_httlib(stories: &[Story]) -> usize {
    let mut sum = 0;
    for story in stories {
        let mut decoder = httlib_hpack::Decoder::with_dynamic_size(4096);
        for block in story {
            let (mut input, mut fields) = (block.wire.clone(), Vec::new());
            decoder.decode(&mut input, &mut fields).expect("a correct block");
            sum += fields.iter().map(|(name, value, _)| name.len() + value.len()).sum::<usize>();
        }
    }
    sum
}

fn encode_httlib(stories: &[Story]) -> usize {
    use httlib_hpack::Encoder;
    let flags =
        Encoder::HUFFMAN_VALUE | Encoder::HUFFMAN_NAME | Encoder::WITH_INDEXING | Encoder::BEST_FORMAT;
    let mut sum = 0;
    for story in stories {
        let mut encoder = Encoder::with_dynamic_size(4096);
        for block in story {
            let mut out = Vec::new();
            for (name, value) in &block.fields {
                encoder.encode((name.clone(), value.clone(), flags), &mut out).expect("a field");
            }
            sum += out.len();
        }
    }
    sum
}
