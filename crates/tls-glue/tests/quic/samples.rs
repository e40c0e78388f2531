//! The samples of the RFCs, Appendix A.

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
        [
            Samples::read(Version::V1, include_str!("data/rfc9001.txt")),
            Samples::read(Version::V2, include_str!("data/rfc9369.txt")),
        ]
    }

    fn read(version: Version, text: &'static str) -> Samples {
        let mut octets: HashMap<&str, Vec<u8>> = HashMap::new();
        let mut name = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                Some(digits) => {
                    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                    octets.get_mut(name).unwrap().extend((0..digits.len()).step_by(2).map(octet));
                }
                None => {
                    name = line;
                    assert!(octets.insert(name, Vec::new()).is_none(), "{name} twice");
                }
            }
        }
        Samples { version, octets }
    }

    pub(crate) fn get(&self, name: &str) -> &[u8] {
        &self.octets[name]
    }
}
