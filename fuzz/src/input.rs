//! Taking decisions out of fuzzer input.

/// Reads choices from the end of the input, so that what is parsed stays at its front, where a
/// dictionary and a corpus of real messages help most.
#[derive(Debug)]
pub struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Splits `data` into a payload and at most `count` bytes of choices behind it.
    pub fn split(data: &'a [u8], count: usize) -> (&'a [u8], Self) {
        let (payload, rest) = data.split_at(data.len() - count.min(data.len() / 2));
        (payload, Self { rest })
    }

    /// The next byte; 0 when there is none left.
    pub fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        byte
    }

    /// Cuts `payload` into pieces whose lengths the remaining choices give; the last takes what is left.
    pub fn pieces<'p>(&mut self, payload: &'p [u8]) -> Vec<&'p [u8]> {
        let mut pieces = Vec::new();
        let mut left = payload;
        while !left.is_empty() {
            let length = if self.rest.is_empty() { left.len() } else { usize::from(self.byte()) + 1 };
            let (piece, rest) = left.split_at(length.min(left.len()));
            pieces.push(piece);
            left = rest;
        }
        pieces
    }
}
