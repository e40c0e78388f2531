//! Where the fields of a section go.

use wirelace_hpack::{Encoder, Indexing, Name};

/// Takes the lines of a field section, in their order: an encoder of HPACK or QPACK.
pub trait FieldLines {
    /// One line. Names are in lower case.
    fn field(&mut self, name: Name<'_>, value: &[u8], indexing: Indexing);
}

/// A block of HPACK that is being written.
#[derive(Debug)]
pub struct HpackLines<'a> {
    encoder: &'a mut Encoder,
    out: &'a mut Vec<u8>,
}

impl<'a> HpackLines<'a> {
    /// Begins a block, which is appended to `out`.
    #[inline]
    pub fn new(encoder: &'a mut Encoder, out: &'a mut Vec<u8>) -> HpackLines<'a> {
        encoder.start(out);
        HpackLines { encoder, out }
    }
}

impl FieldLines for HpackLines<'_> {
    #[inline(always)]
    fn field(&mut self, name: Name<'_>, value: &[u8], indexing: Indexing) {
        self.encoder.field(self.out, name, value, indexing);
    }
}
