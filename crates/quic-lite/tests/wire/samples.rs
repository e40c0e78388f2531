//! The samples of RFC 9001 and RFC 9369, Appendix A. The file is that of the keys below.

use std::collections::HashMap;

use wirelace_tls_glue::quic::Version;

/// The Destination Connection ID of all of them.
pub(crate) const CONNECTION_ID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

pub(crate) struct Samples {
    pub(crate) version: Version,
    octets: HashMap<&'static str, Vec<u8>>,
}

impl Samples {
    pub(crate) fn both() -> [Samples; 2] {
        let (v1, v2) = (
            include_str!("../../../tls-glue/tests/quic/data/rfc9001.txt"),
            include_str!("../../../tls-glue/tests/quic/data/rfc9369.txt"),
        );
        [Samples::read(Version::V1, v1), Samples::read(Version::V2, v2)]
    }

    fn read(version: Version, text: &'static str) -> Samples {
        let mut octets: HashMap<&str, Vec<u8>> = HashMap::new();
        let mut name = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                Some(digits) => octets.get_mut(name).unwrap().extend(hex(digits)),
                None => {
                    name = line;
                    octets.insert(name, Vec::new());
                }
            }
        }
        Samples { version, octets }
    }

    pub(crate) fn get(&self, name: &str) -> &[u8] {
        &self.octets[name]
    }
}

/// Octets out of pairs of digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(octet).collect()
}
