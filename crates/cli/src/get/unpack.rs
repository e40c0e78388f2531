//! Undoing content codings (RFC 9110 §8.4) on the way, in bounded memory.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// What is unpacked at once: even the most that this can become fits well into memory.
const SLICE: usize = 4 * 1024;
/// Codings on top of each other; more is somebody's joke.
const MAX_LAYERS: usize = 3;

/// Where unpacked bytes go.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

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
        (1..=MAX_LAYERS).contains(&layers.len()).then_some(Unpacker { layers })
    }

    /// # Errors
    /// The data is not in the coding that was named, or the sink fails.
    pub(super) fn push(&mut self, data: &[u8], sink: Sink<'_>) -> io::Result<()> {
        push(&mut self.layers, data, sink)
    }

    /// Hands out what is left at the end.
    ///
    /// # Errors
    /// The data ended too early, or the sink fails.
    pub(super) fn finish(mut self, sink: Sink<'_>) -> io::Result<()> {
        let mut layers = &mut self.layers[..];
        while let Some((layer, rest)) = layers.split_first_mut() {
            let left = layer.finish()?;
            push(rest, &left, sink)?;
            layers = rest;
        }
        Ok(())
    }
}

fn push(layers: &mut [Layer], data: &[u8], sink: Sink<'_>) -> io::Result<()> {
    let Some((layer, rest)) = layers.split_first_mut() else {
        return if data.is_empty() { Ok(()) } else { sink(data) };
    };
    for slice in data.chunks(SLICE) {
        let unpacked = layer.push(slice)?;
        push(rest, &unpacked, sink)?;
    }
    Ok(())
}

impl Layer {
    fn push(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        if let (Layer::Deflate, Some(first)) = (&*self, data.first()) {
            // The low four bits of zlib's first byte are 8; a raw stream does not begin so in practice.
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
            unpacker.push(part, &mut |data| {
                all.extend_from_slice(data);
                Ok(())
            })?;
        }
        unpacker.finish(&mut |data| {
            all.extend_from_slice(data);
            Ok(())
        })?;
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
