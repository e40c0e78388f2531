//! Encodes and decodes header blocks as lines, for scripts that hold other codecs against ours.
//!
//! `hpack-lines encode`: a line `[["name","value"], ["name","value","never"], …]` gives a line with the block in
//! hexadecimal (`"without"` and `"never"` are ways of indexing); a line `limit N` is the peer's limit of the table
//! from then on. `hpack-lines decode` does the reverse, its `limit N` being the one that was acknowledged.
//! One codec for all lines. Characters are octets: U+0000 to U+00FF.

use std::io::{self, BufRead as _, Write as _};

use serde_json::Value;
use wirelace_hpack::{BlockLimits, Decoder, Encoder, HeaderBlock, Indexing};

const LIMITS: BlockLimits = BlockLimits { fields: 10_000, list_size: 1 << 24 };

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let encode = match std::env::args().nth(1).as_deref() {
        Some("encode") => true,
        Some("decode") => false,
        _ => return Err("usage: hpack-lines encode|decode".into()),
    };
    let (mut encoder, mut decoder) = (Encoder::new(65_536), Decoder::new(4096));
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        // A word of its own: `82` is a block.
        if let Some(limit) = line.strip_prefix("limit ") {
            let limit = limit.parse()?;
            encoder.set_peer_limit(limit);
            decoder.set_max_table_size(limit);
        } else if encode {
            let block = encode_line(&mut encoder, &line)?;
            let hex: String = block.iter().map(|octet| format!("{octet:02x}")).collect();
            writeln!(out, "{hex}")?;
        } else {
            writeln!(out, "{}", decode_line(&mut decoder, &line)?)?;
        }
        // Whoever asks line by line waits for the answer.
        out.flush()?;
    }
    Ok(())
}

fn encode_line(encoder: &mut Encoder, line: &str) -> Result<Vec<u8>> {
    let mut block = Vec::new();
    encoder.start(&mut block);
    for field in serde_json::from_str::<Vec<Vec<String>>>(line)? {
        let [name, value, rest @ ..] = &field[..] else { return Err("a field is a name and a value".into()) };
        let indexing = match rest.first().map(String::as_str) {
            None => Indexing::Auto,
            Some("without") => Indexing::Without,
            Some("never") => Indexing::Never,
            Some(other) => return Err(format!("no way of indexing: {other}").into()),
        };
        encoder.field(&mut block, octets(name)?.as_slice().into(), &octets(value)?, indexing);
    }
    Ok(block)
}

fn decode_line(decoder: &mut Decoder, line: &str) -> Result<Value> {
    let digits = line.as_bytes().chunks(2);
    let block: Vec<u8> =
        digits.map(|two| Ok(u8::from_str_radix(std::str::from_utf8(two)?, 16)?)).collect::<Result<_>>()?;
    let mut headers = HeaderBlock::new();
    decoder.decode(&block, &LIMITS, &mut headers)?;
    let fields = headers.iter().map(|field| {
        let mut texts = vec![text(field.name), text(field.value)];
        texts.extend(field.sensitive.then(|| "never".to_owned()));
        Value::from(texts)
    });
    Ok(fields.collect())
}

fn octets(text: &str) -> Result<Vec<u8>> {
    text.chars().map(|character| Ok(u8::try_from(u32::from(character))?)).collect()
}

fn text(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}
