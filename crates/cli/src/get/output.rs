//! Where bodies go: stdout, a file, or nowhere; unpacked on the way if that was asked for.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use tokio::sync::watch;

/// The place that all responses write to, one after the other in the order of the requests: a response whose turn
/// has not come waits, and so does its server.
pub(super) struct Output {
    sink: Mutex<Option<Sink>>,
    turn: watch::Sender<u64>,
}

enum Sink {
    Stdout,
    File(File),
}

impl Output {
    /// # Errors
    /// The file cannot be made.
    pub(super) fn new(file: Option<&Path>, discard: bool) -> io::Result<Output> {
        let sink = match file {
            Some(path) => Some(Sink::File(File::create(path)?)),
            None if discard => None,
            None => Some(Sink::Stdout),
        };
        Ok(Output { sink: Mutex::new(sink), turn: watch::Sender::new(0) })
    }

    /// Waits until all requests before this one have written what they had.
    pub(super) async fn turn(&self, number: u64) {
        // The sender lives in `self`.
        let _ = self.turn.subscribe().wait_for(|turn| *turn >= number).await;
    }

    /// The next request may write.
    pub(super) fn pass_on(&self, number: u64) {
        self.turn.send_modify(|turn| *turn = (*turn).max(number + 1));
    }

    /// Writes; blocks the thread, not the runtime.
    ///
    /// # Errors
    /// The disk is full, or nobody reads any more.
    pub(super) fn write(&self, data: &[u8]) -> io::Result<()> {
        tokio::task::block_in_place(|| {
            match self.sink.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                None => Ok(()),
                Some(Sink::File(file)) => file.write_all(data),
                Some(Sink::Stdout) => {
                    let mut stdout = io::stdout().lock();
                    stdout.write_all(data)?;
                    stdout.flush()
                }
            }
        })
    }
}

/// Undoes the content codings of one body.
pub(super) struct Unpacker {
    /// The one that was applied last comes first.
    layers: Vec<Layer>,
}

enum Layer {
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// Not begun: `deflate` is meant to be zlib, but some servers leave its wrapping away.
    Deflate,
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Unpacker {
    /// For the members of Content-Encoding. `None`: there is nothing that it can undo.
    pub(super) fn new<'a>(codings: impl Iterator<Item = &'a [u8]>) -> Option<Unpacker> {
        let mut layers = Vec::new();
        for coding in codings {
            layers.push(match coding.to_ascii_lowercase().as_slice() {
                b"gzip" | b"x-gzip" => Layer::Gzip(MultiGzDecoder::new(Vec::new())),
                b"deflate" => Layer::Deflate,
                b"identity" => continue,
                _ => return None,
            });
        }
        layers.reverse();
        (!layers.is_empty()).then_some(Unpacker { layers })
    }

    /// # Errors
    /// The data is not in the coding that was named.
    pub(super) fn push(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        let mut data = data.to_vec();
        for layer in &mut self.layers {
            if data.is_empty() {
                break;
            }
            data = layer.push(&data)?;
        }
        Ok(data)
    }

    /// What is left at the end.
    ///
    /// # Errors
    /// The data ended too early.
    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        for layer in &mut self.layers {
            let mut more = if data.is_empty() { Vec::new() } else { layer.push(&data)? };
            more.extend(layer.finish()?);
            data = more;
        }
        Ok(data)
    }
}

impl Layer {
    fn push(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        if let (Layer::Deflate, Some(first)) = (&*self, data.first()) {
            // The low four bits of zlib's first byte are 8; a raw stream never begins so in practice.
            *self = if first & 0x0f == 8 {
                Layer::Zlib(ZlibDecoder::new(Vec::new()))
            } else {
                Layer::Raw(DeflateDecoder::new(Vec::new()))
            };
        }
        match self {
            Layer::Gzip(decoder) => {
                decoder.write_all(data)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Layer::Zlib(decoder) => {
                decoder.write_all(data)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Layer::Raw(decoder) => {
                decoder.write_all(data)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Layer::Deflate => Ok(Vec::new()),
        }
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Layer::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Layer::Zlib(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Layer::Raw(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Layer::Deflate => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    fn unpack(codings: &str, data: &[u8], part: usize) -> io::Result<Vec<u8>> {
        let mut unpacker = Unpacker::new(codings.split(',').map(|coding| coding.trim().as_bytes())).unwrap();
        let mut all = Vec::new();
        for part in data.chunks(part) {
            all.extend(unpacker.push(part)?);
        }
        all.extend(unpacker.finish()?);
        Ok(all)
    }

    fn text() -> Vec<u8> {
        (0..5000u32).flat_map(|number| number.to_string().into_bytes()).collect()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn all_codings_in_parts_of_any_size() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text()).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text()).unwrap();
        let raw = raw.finish().unwrap();
        for (codings, packed) in [
            ("gzip", gzip(&text())),
            ("X-GZIP", gzip(&text())),
            ("identity, gzip", gzip(&text())),
            ("gzip, gzip", gzip(&gzip(&text()))),
            ("deflate", zlib),
            ("deflate", raw),
        ] {
            for part in [1, 7, 1000, usize::MAX] {
                assert!(unpack(codings, &packed, part).unwrap() == text(), "{codings} in {part}");
            }
        }
        assert!(Unpacker::new([&b"br"[..]].into_iter()).is_none());
        assert!(Unpacker::new([&b"identity"[..]].into_iter()).is_none());
    }

    #[test]
    fn cut_and_broken_data_is_told() {
        let packed = gzip(&text());
        assert!(unpack("gzip", &packed[..packed.len() - 1], 100).is_err());
        let mut broken = packed;
        broken[100] ^= 0xff;
        assert!(unpack("gzip", &broken, 100).is_err());
        assert!(unpack("gzip", b"plain text", 100).is_err());
    }
}
