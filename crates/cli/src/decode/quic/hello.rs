//! The first message of TLS, as far as it tells what the connection is for (RFC 8446 §4.1).

use std::io::Write;

use wirelace::tls_glue::quic::Side;

use super::super::tree::{Count, Quoted, Tree};
use super::super::wrong::Stop;
use super::parameters;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Extensions: RFC 6066 §3, RFC 7301 §3.1, RFC 9001 §8.2.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const PARAMETERS: u16 = 0x39;

/// Octets, and where in the input they are.
#[derive(Clone, Copy)]
struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<Reader<'a>> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        let taken = Reader { rest: taken, at: self.at };
        *self = Reader { rest, at: self.at + length };
        Some(taken)
    }

    fn number(&mut self, octets: usize) -> Option<usize> {
        Some(self.take(octets)?.rest.iter().fold(0, |value, octet| value << 8 | usize::from(*octet)))
    }

    /// What has a length of so many octets in front.
    fn vector(&mut self, octets: usize) -> Option<Reader<'a>> {
        let length = self.number(octets)?;
        self.take(length)
    }
}

/// Writes what the message in `data`, which starts at `at`, is, and what a client says in it. TLS itself is checked
/// elsewhere: what cannot be read is left out.
pub(super) fn decode(data: &[u8], at: usize, from: Side, tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let mut reader = Reader { rest: data, at };
    let Some(kind) = reader.number(1) else { return Ok(()) };
    let (section, name) = match kind as u8 {
        CLIENT_HELLO => ("RFC 8446 §4.1.2", "ClientHello"),
        SERVER_HELLO => ("RFC 8446 §4.1.3", "ServerHello"),
        _ => return Ok(()),
    };
    let Some(length) = reader.number(3) else { return Ok(()) };
    let Some(mut body) = reader.take(length) else {
        let missing = length - reader.rest.len().min(length);
        let text =
            format_args!("{name}, {}; the last {missing} come in other packets", Count(length, "octet"));
        return Ok(tree.line(at, section, text)?);
    };
    tree.open(at, section, format_args!("{name}, {}", Count(length, "octet")))?;
    if kind as u8 == CLIENT_HELLO
        && let Some(mut extensions) = extensions(&mut body)
    {
        while let Some((kind, value)) = next(&mut extensions) {
            extension(kind, value, from, tree)?;
        }
    }
    tree.close();
    Ok(())
}

/// Behind version, random, session, cipher suites and compression methods.
fn extensions<'a>(body: &mut Reader<'a>) -> Option<Reader<'a>> {
    body.take(2 + 32)?;
    body.vector(1)?;
    body.vector(2)?;
    body.vector(1)?;
    body.vector(2)
}

fn next<'a>(extensions: &mut Reader<'a>) -> Option<(u16, Reader<'a>)> {
    let kind = extensions.number(2)?;
    Some((kind as u16, extensions.vector(2)?))
}

fn extension(kind: u16, mut value: Reader<'_>, from: Side, tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let at = value.at;
    match kind {
        SERVER_NAME => {
            let Some(mut list) = value.vector(2) else { return Ok(()) };
            // The one kind of name that there is: 0.
            if let (Some(0), Some(name)) = (list.number(1), list.vector(2)) {
                tree.line(name.at, "RFC 6066 §3", format_args!("server name: {}", Quoted(name.rest)))?;
            }
        }
        ALPN => {
            let Some(mut list) = value.vector(2) else { return Ok(()) };
            while let Some(protocol) = list.vector(1) {
                let text = format_args!("application protocol: {}", Quoted(protocol.rest));
                tree.line(protocol.at, "RFC 7301 §3.1", text)?;
            }
        }
        PARAMETERS => {
            let text = format_args!("transport parameters, {}", Count(value.rest.len(), "octet"));
            tree.open(at, "RFC 9000 §18", text)?;
            parameters::decode(value.rest, at, from, tree)?;
            tree.close();
        }
        _ => {}
    }
    Ok(())
}
