//! Many HTTP/2 connections that have done one request each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// The preface, empty SETTINGS, and `GET /` to `localhost` on stream 1: nothing that needs Huffman's code.
const REQUEST: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x0e\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x09localhost";
const SETTINGS_ACK: &[u8] = b"\x00\x00\x00\x04\x01\x00\x00\x00\x00";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;

/// Opens `count` connections one after another, each with one request answered; they close on drop.
pub(super) fn hold(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>, String> {
    (0..count)
        .map(|number| ask(address).map_err(|error| format!("connection {number} of {count}: {error}")))
        .collect()
}

/// Connects, asks once, and returns the connection, still open.
fn ask(address: SocketAddr) -> Result<TcpStream, String> {
    let io = |error: std::io::Error| format!("no answer: {error}");
    let mut stream = TcpStream::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    stream.write_all(REQUEST).map_err(io)?;
    // What is buffered behind the answer's end is not missed.
    let octets = answered(&mut BufReader::new(&stream), || (&stream).write_all(SETTINGS_ACK)).map_err(io)?;
    if octets == "hello, world\n".len() { Ok(stream) } else { Err(format!("{octets} octets of body")) }
}

/// Reads frames until stream 1 ends; the octets of its body. `acknowledge` is called for the peer's SETTINGS.
fn answered(
    input: &mut impl BufRead,
    mut acknowledge: impl FnMut() -> std::io::Result<()>,
) -> std::io::Result<usize> {
    let wrong = |what: String| Err(std::io::Error::other(what));
    let mut octets = 0;
    loop {
        let mut header = [0; 9];
        input.read_exact(&mut header)?;
        let [high, middle, low, kind, flags, ..] = header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = Vec::new();
        input.take(length.into()).read_to_end(&mut payload)?;
        match kind {
            DATA => octets += payload.len(),
            SETTINGS if flags & ACK == 0 => acknowledge()?,
            HEADERS | SETTINGS | PING | WINDOW_UPDATE => {}
            _ => return wrong(format!("frame of type {kind}")),
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Ok(octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_its_stream() {
        let mut acknowledged = 0;
        let mut read = |mut input: &[u8]| {
            answered(&mut input, || {
                acknowledged += 1;
                Ok(())
            })
        };
        let settings = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
        let answer = b"\0\0\x01\x01\x04\0\0\0\x01\x88\0\0\x02\0\0\0\0\0\x01he\0\0\x01\0\x01\0\0\0\x01y";
        assert_eq!(read(&[&settings[..], &answer[..]].concat()).unwrap(), 3);
        assert!(read(&answer[..answer.len() - 11]).is_err());
        // GOAWAY is no answer.
        assert!(read(b"\0\0\0\x07\0\0\0\0\0").is_err());
        assert_eq!(acknowledged, 1);
    }
}
