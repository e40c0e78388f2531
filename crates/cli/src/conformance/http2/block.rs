//! Field blocks, byte by byte: what an encoder would never write, too (RFC 7541 §6).

use wirelace_hpack::huffman;

/// How a field is represented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Literal with incremental indexing (RFC 7541 §6.2.1).
    Indexing,
    /// Literal without indexing (RFC 7541 §6.2.2).
    Without,
    /// Literal never indexed (RFC 7541 §6.2.3).
    Never,
}

/// A field block that grows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) Vec<u8>);

impl Block {
    /// An integer after the bits of `first` (RFC 7541 §5.1).
    pub(crate) fn integer(mut self, first: u8, prefix: u32, mut value: usize) -> Block {
        let most = (1 << prefix) - 1;
        if value < most {
            self.0.push(first | value as u8);
            return self;
        }
        self.0.push(first | most as u8);
        value -= most;
        while value >= 0x80 {
            self.0.push(0x80 | (value & 0x7f) as u8);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    /// Bytes as they are.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Block {
        self.0.extend_from_slice(bytes);
        self
    }

    /// An indexed field (RFC 7541 §6.1).
    pub(crate) fn indexed(self, index: usize) -> Block {
        self.integer(0x80, 7, index)
    }

    /// A dynamic table size update (RFC 7541 §6.3).
    pub(crate) fn size_update(self, size: usize) -> Block {
        self.integer(0x20, 5, size)
    }

    /// A string without Huffman code (RFC 7541 §5.2).
    pub(crate) fn text(self, text: &[u8]) -> Block {
        self.integer(0, 7, text.len()).bytes(text)
    }

    /// A string in Huffman code.
    pub(crate) fn huffman(self, text: &[u8]) -> Block {
        let mut coded = Vec::new();
        huffman::encode(text, &mut coded);
        self.integer(0x80, 7, coded.len()).bytes(&coded)
    }

    /// The beginning of a literal: its form, and the index of its name, 0 for a name that follows.
    pub(crate) fn literal(self, form: Form, name: usize) -> Block {
        match form {
            Form::Indexing => self.integer(0x40, 6, name),
            Form::Without => self.integer(0x00, 4, name),
            Form::Never => self.integer(0x10, 4, name),
        }
    }

    /// A literal without indexing, nothing indexed, no Huffman code: whatever stands in it.
    pub(crate) fn field(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Block {
        self.literal(Form::Without, 0).text(name.as_ref()).text(value.as_ref())
    }

    /// The same, where it is to stay in the table.
    pub(crate) fn kept(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Block {
        self.literal(Form::Indexing, 0).text(name.as_ref()).text(value.as_ref())
    }
}

/// A request's fields, to be changed into what a case needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request(Vec<(Vec<u8>, Vec<u8>)>);

impl Request {
    /// With the four pseudo-fields of RFC 9113 §8.3.1.
    pub(crate) fn new(method: &str, scheme: &str, path: &str, authority: &str) -> Request {
        Request::default()
            .with(":method", method)
            .with(":scheme", scheme)
            .with(":path", path)
            .with(":authority", authority)
    }

    /// One field more.
    pub(crate) fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Request {
        self.0.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Without the fields of that name.
    pub(crate) fn without(mut self, name: &str) -> Request {
        self.0.retain(|(found, _)| found != name.as_bytes());
        self
    }

    /// With another value where the field stands.
    pub(crate) fn changed(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        for (_, found) in self.0.iter_mut().filter(|(found, _)| found == name.as_bytes()) {
            *found = value.as_ref().to_vec();
        }
        self
    }

    /// As a block of plain literals.
    pub(crate) fn block(&self) -> Block {
        self.0.iter().fold(Block::default(), |block, (name, value)| block.field(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_rfc_7541_c_1() {
        assert_eq!(Block::default().integer(0, 5, 10).0, [0x0a]);
        assert_eq!(Block::default().integer(0, 5, 1337).0, [0x1f, 0x9a, 0x0a]);
        assert_eq!(Block::default().integer(0, 8, 42).0, [0x2a]);
        // The longest that fits, and one more.
        assert_eq!(Block::default().integer(0x80, 7, 126).0, [0xfe]);
        assert_eq!(Block::default().integer(0x80, 7, 127).0, [0xff, 0]);
    }

    #[test]
    fn fields_are_those_of_rfc_7541_c_2() {
        let kept = [&b"\x40\x0acustom-key\x0dcustom-header"[..]].concat();
        assert_eq!(Block::default().kept("custom-key", "custom-header").0, kept);
        let block = Block::default().literal(Form::Without, 4).text(b"/sample/path");
        assert_eq!(block.0, b"\x04\x0c/sample/path");
        assert_eq!(Block::default().literal(Form::Never, 0).text(b"password").0, b"\x10\x08password");
        assert_eq!(Block::default().indexed(2).0, [0x82]);
        assert_eq!(
            Block::default().literal(Form::Indexing, 1).huffman(b"www.example.com").0,
            [0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]
        );
    }

    #[test]
    fn requests_are_changed() {
        let request =
            Request::new("GET", "http", "/", "a").without(":path").changed(":method", "PUT").with("x", "y");
        let expected =
            Block::default().field(":method", "PUT").field(":scheme", "http").field(":authority", "a");
        assert_eq!(request.block(), expected.field("x", "y"));
    }
}
