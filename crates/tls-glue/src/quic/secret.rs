//! From secrets to keys (RFC 9001 §5.1 and §5.2).

use std::fmt;

use ring::hmac;

use super::error::ProtectionError;
use super::header::HeaderKey;
use super::packet::{NONCE_LENGTH, PacketKey};
use super::suite::Suite;
use super::version::Version;

/// The longest hash.
const MAX_SECRET: usize = 48;

/// The keys of one direction.
#[derive(Debug)]
pub struct DirectionalKeys {
    /// For headers.
    pub header: HeaderKey,
    /// For payloads.
    pub packet: PacketKey,
}

/// A secret of TLS that the keys of one direction are made from. Sessions make them by themselves; this is for tools
/// that have secrets from elsewhere, a key log for instance.
#[derive(Clone)]
pub struct TrafficSecret {
    suite: Suite,
    /// HKDF's.
    hmac: hmac::Key,
}

impl TrafficSecret {
    /// A secret that TLS has.
    ///
    /// # Errors
    ///
    /// It is not as long as the suite's hash.
    pub fn new(suite: Suite, octets: &[u8]) -> Result<TrafficSecret, ProtectionError> {
        let expected = suite.secret_length();
        if octets.len() != expected {
            return Err(ProtectionError::SecretLength { length: octets.len(), expected });
        }
        Ok(TrafficSecret::of(suite, octets))
    }

    fn of(suite: Suite, octets: &[u8]) -> TrafficSecret {
        TrafficSecret { suite, hmac: hmac::Key::new(suite.hash(), octets) }
    }

    /// The secrets of the client's and of the server's Initial packets: everyone can know them (RFC 9001 §5.2).
    pub(super) fn initial(version: Version, connection_id: &[u8]) -> (TrafficSecret, TrafficSecret) {
        let both = TrafficSecret::extracted(version, connection_id);
        (both.derived(b"client in"), both.derived(b"server in"))
    }

    /// What both come from. HKDF-Extract is an HMAC with the salt as key.
    fn extracted(version: Version, connection_id: &[u8]) -> TrafficSecret {
        let suite = Suite::Aes128Gcm;
        let extracted = hmac::sign(&hmac::Key::new(suite.hash(), version.salt()), connection_id);
        TrafficSecret::of(suite, extracted.as_ref())
    }

    /// The key for payloads.
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn packet_key(&self, version: Version) -> Result<PacketKey, ProtectionError> {
        let labels = version.labels();
        let key = self.expand(labels.key, self.suite.key_length());
        let iv = self.expand(labels.iv, NONCE_LENGTH);
        let (key, iv) = (key.get(..self.suite.key_length()), iv.first_chunk());
        let (Some(key), Some(iv)) = (key, iv) else { return Err(ProtectionError::Library) };
        PacketKey::new(self.suite, key, *iv)
    }

    /// The key for headers.
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn header_key(&self, version: Version) -> Result<HeaderKey, ProtectionError> {
        let length = self.suite.key_length();
        let key = self.expand(version.labels().header, length);
        HeaderKey::new(self.suite, key.get(..length).ok_or(ProtectionError::Library)?)
    }

    /// Both.
    ///
    /// # Errors
    ///
    /// None with the suites that there are.
    pub fn keys(&self, version: Version) -> Result<DirectionalKeys, ProtectionError> {
        Ok(DirectionalKeys { header: self.header_key(version)?, packet: self.packet_key(version)? })
    }

    /// The secret after the next key update (RFC 9001 §6.1).
    #[must_use]
    pub fn next(&self, version: Version) -> TrafficSecret {
        self.derived(version.labels().update)
    }

    fn derived(&self, label: &[u8]) -> TrafficSecret {
        let length = self.suite.secret_length();
        TrafficSecret::of(self.suite, self.expand(label, length).get(..length).unwrap_or_default())
    }

    /// HKDF-Expand-Label without a context (RFC 8446 §7.1): the first `length` octets. None is longer than the hash,
    /// so one block is enough.
    fn expand(&self, label: &[u8], length: usize) -> [u8; MAX_SECRET] {
        const PREFIX: &[u8] = b"tls13 ";
        let mut hmac = hmac::Context::with_key(&self.hmac);
        // Neither number is near 256.
        let [octets, letters] = [length, PREFIX.len() + label.len()].map(|number| number as u8);
        hmac.update(&[0, octets, letters]);
        hmac.update(PREFIX);
        hmac.update(label);
        // An empty context, and the number of the first block.
        hmac.update(&[0, 1]);
        let mut block = [0; MAX_SECRET];
        block.iter_mut().zip(hmac.sign().as_ref()).take(length).for_each(|(octet, made)| *octet = *made);
        block
    }
}

impl fmt::Debug for TrafficSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficSecret").field("suite", &self.suite).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Key, nonce and header key.
    fn assert_keys(secret: &TrafficSecret, version: Version, expected: [&str; 3]) {
        let labels = version.labels();
        let length = secret.suite.key_length();
        let [key, iv, header] = expected.map(hex);
        assert_eq!(secret.expand(labels.key, length)[..length], key);
        assert_eq!(secret.expand(labels.iv, NONCE_LENGTH)[..NONCE_LENGTH], iv);
        assert_eq!(secret.expand(labels.header, length)[..length], header);
    }

    /// RFC 9001 and RFC 9369, Appendix A.1.
    #[test]
    fn initial_secrets_and_keys() {
        let samples = [
            (
                Version::V1,
                [
                    "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
                    "1f369613dd76d5467730efcbe3b1a22d",
                    "fa044b2f42a3fd3b46fb255c",
                    "9f50449e04a0e810283a1e9933adedd2",
                ],
                [
                    "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
                    "cf3a5331653c364c88f0f379b6067e37",
                    "0ac1493ca1905853b0bba03e",
                    "c206b8d9b9f0f37644430b490eeaa314",
                ],
            ),
            (
                Version::V2,
                [
                    "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
                    "8b1a0bc121284290a29e0971b5cd045d",
                    "91f73e2351d8fa91660e909f",
                    "45b95e15235d6f45a6b19cbcb0294ba9",
                ],
                [
                    "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1",
                    "82db637861d55e1d011f19ea71d5d2a7",
                    "dd13c276499c0249d3310652",
                    "edf6d05c83121201b436e16877593c3a",
                ],
            ),
        ];
        for (version, client, server) in samples {
            let both = TrafficSecret::extracted(version, &hex("8394c8f03e515708"));
            let pair = TrafficSecret::initial(version, &hex("8394c8f03e515708"));
            for (label, made, [secret, key, iv, header]) in
                [(&b"client in"[..], pair.0, client), (b"server in", pair.1, server)]
            {
                assert_eq!(both.expand(label, 32)[..32], hex(secret));
                assert_keys(&made, version, [key, iv, header]);
            }
        }
    }

    /// RFC 9001 and RFC 9369, Appendix A.5.
    #[test]
    fn keys_of_chacha20() {
        let own = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b";
        let secret = TrafficSecret::new(Suite::ChaCha20Poly1305, &hex(own)).unwrap();
        let v1 = [
            "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
            "e0459b3474bdd0e44a41c144",
            "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
        ];
        let v2 = [
            "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
            "a6b5bc6ab7dafce30ffff5dd",
            "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
        ];
        assert_keys(&secret, Version::V1, v1);
        assert_keys(&secret, Version::V2, v2);
        let updated = "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9";
        assert_eq!(secret.expand(Version::V1.labels().update, 32)[..32], hex(updated));
        let updated = "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88";
        assert_eq!(secret.expand(Version::V2.labels().update, 32)[..32], hex(updated));
    }

    /// The keys of Retry tags come from secrets (RFC 9001 §5.8, RFC 9369 §3.3.3).
    #[test]
    fn keys_of_retry_tags() {
        let samples = [
            (Version::V1, "d9c9943e6101fd200021506bcc02814c73030f25c79d71ce876eca876e6fca8e"),
            (Version::V2, "c4dd2484d681aefa4ff4d69c2c20299984a765a5d3c31982f38fc74162155e9f"),
        ];
        for (version, secret) in samples {
            let secret = TrafficSecret::new(Suite::Aes128Gcm, &hex(secret)).unwrap();
            let (key, nonce) = version.retry();
            let labels = version.labels();
            assert_eq!(secret.expand(labels.key, 16)[..16], *key);
            assert_eq!(secret.expand(labels.iv, NONCE_LENGTH)[..NONCE_LENGTH], *nonce);
        }
    }

    #[test]
    fn secrets_fit_their_suites() {
        for (suite, length) in [(Suite::Aes128Gcm, 32), (Suite::Aes256Gcm, 48), (Suite::ChaCha20Poly1305, 32)]
        {
            assert!(TrafficSecret::new(suite, &vec![1; length]).unwrap().keys(Version::V1).is_ok());
            let short = TrafficSecret::new(suite, &vec![1; length - 1]).err();
            assert_eq!(short, Some(ProtectionError::SecretLength { length: length - 1, expected: length }));
            assert!(TrafficSecret::new(suite, &[1; 64]).is_err());
        }
        let shown = format!("{:?}", TrafficSecret::new(Suite::Aes128Gcm, &[0xab; 32]).unwrap());
        assert!(!shown.contains("171") && !shown.contains("ab"), "{shown}");
    }
}
