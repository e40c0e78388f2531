//! What a certificate says (RFC 5280), as far as the verification has to explain itself. It judges nothing: webpki
//! does.

pub(crate) mod der;
pub(crate) mod name;
pub(crate) mod oid;
pub(crate) mod time;
mod view;

pub(crate) use view::{Certificate, List, integer_bits, key, rsa_bits};

/// In hex, small letters.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
