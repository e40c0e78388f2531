//! Octets of frames and parameters, valid or not.

/// A number as a variable-length integer (RFC 9000 §16).
pub(crate) fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (value as u16 | 0x4000).to_be_bytes().to_vec(),
        0x4000..0x4000_0000 => (value as u32 | 0x8000_0000).to_be_bytes().to_vec(),
        _ => (value | 0xc000_0000_0000_0000).to_be_bytes().to_vec(),
    }
}

/// Numbers, one behind the other: most frames are nothing else.
pub(crate) fn numbers(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| varint(*value)).collect()
}

/// Numbers, and octets behind them.
pub(crate) fn with(values: &[u64], octets: &[u8]) -> Vec<u8> {
    [numbers(values), octets.to_vec()].concat()
}

/// STREAM with offset and length.
pub(crate) fn stream(id: u64, offset: u64, data: &[u8], fin: bool) -> Vec<u8> {
    with(&[0x0e | u64::from(fin), id, offset, data.len() as u64], data)
}

pub(crate) fn crypto(offset: u64, data: &[u8]) -> Vec<u8> {
    with(&[0x06, offset, data.len() as u64], data)
}

pub(crate) fn new_connection_id(sequence: u64, retire_prior_to: u64, id: &[u8], token: &[u8; 16]) -> Vec<u8> {
    let mut frame = numbers(&[0x18, sequence, retire_prior_to]);
    frame.push(id.len() as u8);
    frame.extend_from_slice(id);
    frame.extend_from_slice(token);
    frame
}

/// A transport parameter.
pub(crate) fn parameter(id: u64, value: &[u8]) -> Vec<u8> {
    with(&[id, value.len() as u64], value)
}

pub(crate) fn number_parameter(id: u64, value: u64) -> Vec<u8> {
    parameter(id, &varint(value))
}

/// A generator that gives the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound.max(1)
    }

    /// Small ones often, all of them sometimes.
    pub(crate) fn number(&mut self) -> u64 {
        let bits = [2, 4, 7, 14, 20, 30, 62][self.below(7) as usize];
        self.next() & ((1 << bits) - 1)
    }

    pub(crate) fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}
