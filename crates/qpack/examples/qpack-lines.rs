//! An encoder and a decoder that are driven by lines, for scripts that hold other codecs against ours.
//!
//! `qpack-lines CAPACITY BLOCKED`: both the limits that our decoder offers and the peer's that our encoder keeps to.
//! Octets are in hexadecimal, `-` is none; fields are `NAME=VALUE`, each in hexadecimal, after `!` never indexed. Each
//! line gets one line for an answer, `error CODE TEXT` if the peer is at fault:
//!
//! - `encode STREAM FIELD…`: `SECTION INSTRUCTIONS`, the latter for our encoder stream;
//! - `decoder-stream OCTETS`: `ok`;
//! - `decode STREAM SECTION`: `fields FIELD…` or `blocked`;
//! - `encoder-stream OCTETS`: `ok`, and `STREAM FIELD… ;` for each section that had waited;
//! - `cancel STREAM`: `ok`;
//! - `output`: what our decoder stream has.

use std::io::{self, BufRead as _, Write as _};

use bytes::BytesMut;
use wirelace_qpack::hpack::Indexing;
use wirelace_qpack::{BlockLimits, Decoder, Encoder, Error, HeaderBlock, Limits, Section};

const LIMITS: BlockLimits = BlockLimits { fields: 10_000, list_size: 1 << 24 };

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Lines {
    encoder: Encoder,
    decoder: Decoder,
    encoder_stream: BytesMut,
    decoder_stream: BytesMut,
    headers: HeaderBlock,
}

fn main() -> Result<()> {
    let arguments: Vec<u64> =
        std::env::args().skip(1).map(|number| number.parse()).collect::<std::result::Result<_, _>>()?;
    let &[table_capacity, blocked_streams] = &arguments[..] else {
        return Err("usage: qpack-lines CAPACITY BLOCKED".into());
    };
    let mut encoder = Encoder::new(table_capacity);
    encoder.set_peer_limits(table_capacity, blocked_streams)?;
    let mut lines = Lines {
        encoder,
        decoder: Decoder::new(Limits { table_capacity, blocked_streams, blocked_bytes: 1 << 20 }),
        encoder_stream: BytesMut::new(),
        decoder_stream: BytesMut::new(),
        headers: HeaderBlock::new(),
    };
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let words: Vec<String> = line?.split_whitespace().map(str::to_owned).collect();
        match lines.answer(&words) {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(error) => match error.downcast_ref::<Error>() {
                Some(broken) => writeln!(out, "error {:#x} {broken}", broken.code())?,
                None => return Err(error),
            },
        }
        // Whoever asks line by line waits for the answer.
        out.flush()?;
    }
    Ok(())
}

impl Lines {
    fn answer(&mut self, words: &[String]) -> Result<String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match &words[..] {
            ["encode", stream, fields @ ..] => {
                let fields = fields.iter().map(|field| parse(field)).collect::<Result<Vec<_>>>()?;
                let mut section = Vec::new();
                self.encoder.section(stream.parse()?, &mut section, |writer| {
                    for (name, value, indexing) in &fields {
                        writer.field(name.as_slice().into(), value, *indexing);
                    }
                });
                let instructions = std::mem::take(self.encoder.output());
                format!("{} {}", hex(&section), hex(&instructions))
            }
            ["decoder-stream", octets] => {
                self.decoder_stream.extend_from_slice(&unhex(octets)?);
                self.encoder.decoder_stream(&mut self.decoder_stream)?;
                "ok".to_owned()
            }
            ["decode", stream, section] => {
                let section = unhex(section)?.into();
                match self.decoder.section(stream.parse()?, section, &LIMITS, &mut self.headers)? {
                    Section::Decoded => format!("fields {}", fields(&self.headers)),
                    Section::Blocked => "blocked".to_owned(),
                }
            }
            ["encoder-stream", octets] => {
                self.encoder_stream.extend_from_slice(&unhex(octets)?);
                self.decoder.encoder_stream(&mut self.encoder_stream)?;
                let mut answer = "ok".to_owned();
                while let Some(stream) = self.decoder.unblocked(&LIMITS, &mut self.headers) {
                    answer.push_str(&format!(" {} {} ;", stream?, fields(&self.headers)));
                }
                answer
            }
            ["cancel", stream] => {
                self.decoder.cancel(stream.parse()?);
                "ok".to_owned()
            }
            ["output"] => hex(&std::mem::take(self.decoder.output())),
            other => return Err(format!("no command: {other:?}").into()),
        })
    }
}

fn parse(field: &str) -> Result<(Vec<u8>, Vec<u8>, Indexing)> {
    let (field, indexing) = match field.strip_prefix('!') {
        Some(field) => (field, Indexing::Never),
        None => (field, Indexing::Auto),
    };
    let (name, value) = field.split_once('=').ok_or("a field is a name and a value")?;
    Ok((unhex(name)?, unhex(value)?, indexing))
}

fn fields(headers: &HeaderBlock) -> String {
    let field = |never: bool, name: &[u8], value: &[u8]| {
        format!("{}{}={}", if never { "!" } else { "" }, hex(name), hex(value))
    };
    let fields: Vec<String> =
        headers.iter().map(|line| field(line.sensitive, line.name, line.value)).collect();
    fields.join(" ")
}

fn hex(octets: &[u8]) -> String {
    if octets.is_empty() {
        return "-".to_owned();
    }
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    if text == "-" {
        return Ok(Vec::new());
    }
    text.as_bytes().chunks(2).map(|two| Ok(u8::from_str_radix(std::str::from_utf8(two)?, 16)?)).collect()
}
