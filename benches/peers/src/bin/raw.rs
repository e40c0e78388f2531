//! The floor: a tokio loop over httparse that builds nothing and writes once for each read.

use bytes::{Buf, BytesMut};
use std::cell::RefCell;
use std::time::{Duration, SystemTime};
use std::{fmt::Write, io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirelace_peers::{BODY, CONTENT_TYPE, accept, block_on};

thread_local! {
    /// The whole answer, made anew each second.
    static ANSWER: RefCell<Vec<u8>> = RefCell::new(render());
}

fn main() -> io::Result<()> {
    block_on(async {
        tokio::spawn(async {
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            loop {
                tick.tick().await;
                ANSWER.replace(render());
            }
        });
        accept(|stream| {
            tokio::spawn(serve(stream));
        })
        .await
    })
}

fn render() -> Vec<u8> {
    let mut text =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\n", BODY.len());
    // Writing to a `String` cannot fail.
    let _ = write!(text, "date: {}\r\n\r\n{BODY}", httpdate::HttpDate::from(SystemTime::now()));
    text.into_bytes()
}

async fn serve(mut stream: TcpStream) {
    let mut input = BytesMut::with_capacity(16 * 1024);
    let mut output = Vec::new();
    while stream.read_buf(&mut input).await.is_ok_and(|read| read > 0) {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut headers);
            match request.parse(&input) {
                Ok(httparse::Status::Complete(head)) => input.advance(head),
                Ok(httparse::Status::Partial) => break,
                Err(_) => return,
            }
            ANSWER.with_borrow(|answer| output.extend_from_slice(answer));
        }
        if stream.write_all(&output).await.is_err() {
            return;
        }
        output.clear();
        if input.is_empty() {
            // The allocation stays, and reading starts at its front again.
            input.reserve(4 * 1024);
        }
    }
}
