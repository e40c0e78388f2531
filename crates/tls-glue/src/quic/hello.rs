//! A look at a ClientHello before there is a session for it.

use super::messages::{HEAD, MAX_MESSAGE};

/// The type of a ClientHello (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
/// The extension of transport parameters (RFC 9001 §8.2).
const TRANSPORT_PARAMETERS: u16 = 0x39;

/// What a client says in its first CRYPTO octets, as far as a server wants to know it before it chooses a version and
/// transport parameters of its own (RFC 9368 §2.3). Nothing of it is checked: the session does that.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// Its transport parameters; `None`: there are none, or it cannot be read, and the session will say what is wrong.
    pub transport_parameters: Option<&'a [u8]>,
}

impl<'a> ClientHello<'a> {
    /// Looks at the first octets of an Initial level's CRYPTO stream; `None`: there have to be more.
    #[must_use]
    pub fn peek(octets: &'a [u8]) -> Option<ClientHello<'a>> {
        let (&[kind, high, middle, low], rest) = octets.split_first_chunk::<HEAD>()?;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if kind != CLIENT_HELLO || length > MAX_MESSAGE {
            return Some(ClientHello { transport_parameters: None });
        }
        Some(ClientHello { transport_parameters: parameters(rest.get(..length)?) })
    }
}

/// Behind version, random, session, cipher suites and compression methods.
fn parameters(body: &[u8]) -> Option<&[u8]> {
    let (_, rest) = body.split_at_checked(2 + 32)?;
    let (_, rest) = short_vector(rest)?;
    let (_, rest) = vector(rest)?;
    let (_, rest) = short_vector(rest)?;
    let (mut extensions, _) = vector(rest)?;
    loop {
        let (kind, rest) = extensions.split_first_chunk::<2>()?;
        let (value, rest) = vector(rest)?;
        if u16::from_be_bytes(*kind) == TRANSPORT_PARAMETERS {
            return Some(value);
        }
        extensions = rest;
    }
}

/// With a length of one octet in front.
fn short_vector(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first()?;
    rest.split_at_checked((*length).into())
}

/// With a length of two octets in front.
fn vector(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}
