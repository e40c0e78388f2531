//! One request, and whether the answer is the one that everybody has to give.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const BODY: &str = "hello, world\n";
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects, asks once, checks the answer, and returns the connection, still open.
pub(super) fn ask(address: SocketAddr) -> Result<TcpStream, String> {
    let (stream, answer) = exchange(address)?;
    check(&answer)?;
    Ok(stream)
}

/// Connects, asks once, and returns the answer.
pub(super) fn once(address: SocketAddr) -> Result<String, String> {
    exchange(address).map(|(_, answer)| answer)
}

fn exchange(address: SocketAddr) -> Result<(TcpStream, String), String> {
    let mut stream = TcpStream::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    let io = |error: std::io::Error| format!("no answer: {error}");
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    stream.write_all(REQUEST).map_err(io)?;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while !answer.ends_with(BODY.as_bytes()) {
        match stream.read(&mut piece).map_err(io)? {
            0 => return Err(format!("closed after {:?}", String::from_utf8_lossy(&answer))),
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
    Ok((stream, String::from_utf8_lossy(&answer).into_owned()))
}

/// Whether one request is answered as it has to be.
pub(super) fn check_server(address: SocketAddr) -> Result<(), String> {
    ask(address).map(drop)
}

/// The status line, exactly three fields, and the body; only the fields' order is free.
pub(super) fn check(answer: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what} in {answer:?}"));
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return wrong("no end of head") };
    let mut lines = head.split("\r\n");
    if lines.next() != Some("HTTP/1.1 200 OK") {
        return wrong("wrong status line");
    }
    let mut fields: Vec<&str> = lines.collect();
    fields.sort_unstable();
    match fields.as_slice() {
        ["content-length: 13", "content-type: text/plain", date]
            if date.starts_with("date: ") && date.ends_with(" GMT") && date.len() == "date: ".len() + 29 => {}
        _ => return wrong("wrong fields"),
    }
    if body == BODY { Ok(()) } else { wrong("wrong body") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_field_by_field() {
        let good = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\
                    date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nhello, world\n";
        assert_eq!(check(good), Ok(()));
        for (from, to) in [
            ("200", "404"),
            ("content-type: text/plain\r\n", ""),
            ("date: ", "server: x\r\ndate: "),
            ("1994", "94"),
            ("hello, world\n", "hello, world!"),
            ("content-type", "Content-Type"),
        ] {
            assert!(check(&good.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }
}
