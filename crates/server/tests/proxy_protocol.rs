//! PROXY headers: the codec by tables, and a server behind a proxy.

#[path = "proxy_protocol/codec.rs"]
mod codec;
#[path = "proxy_protocol/served.rs"]
mod served;
mod support;

use std::net::SocketAddr;

pub(crate) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A version 2 header with these octets behind the length.
pub(crate) fn v2(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[version_command, family], &length, body].concat()
}

/// The addresses of two IPv4 or two IPv6 ends.
pub(crate) fn addresses(source: &str, destination: &str) -> Vec<u8> {
    let ends: [SocketAddr; 2] = [source.parse().unwrap(), destination.parse().unwrap()];
    let mut octets = Vec::new();
    for end in ends {
        match end.ip() {
            std::net::IpAddr::V4(ip) => octets.extend(ip.octets()),
            std::net::IpAddr::V6(ip) => octets.extend(ip.octets()),
        }
    }
    ends.iter().for_each(|end| octets.extend(end.port().to_be_bytes()));
    octets
}

pub(crate) fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[kind][..], &length, value].concat()
}
