//! A connection whose frames are shown.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirelace::wire_codec::base::{HEADER_LEN, Header};

use super::show;
use crate::voice::Voice;

/// Octets of a frame that are kept to show it.
const KEPT: usize = 4096;

/// Shows what goes over `IO`.
pub(super) struct Watched<IO> {
    io: IO,
    voice: Voice,
    incoming: Frames,
    outgoing: Frames,
}

impl<IO> Watched<IO> {
    pub(super) fn new(io: IO, voice: Voice) -> Watched<IO> {
        Watched { io, voice, incoming: Frames::default(), outgoing: Frames::default() }
    }
}

/// Cuts what goes one way into frames.
#[derive(Debug, Default)]
struct Frames {
    head: Vec<u8>,
    /// Octets of the frame shown last that are still to come.
    skip: usize,
}

impl Frames {
    fn push(&mut self, mut octets: &[u8], mut shown: impl FnMut(&[u8])) {
        loop {
            let skipped = self.skip.min(octets.len());
            self.skip -= skipped;
            octets = &octets[skipped..];
            let whole = Header::decode(&self.head)
                .map_or(HEADER_LEN, |header| (header.length as usize).saturating_add(HEADER_LEN));
            let wanted = whole.min(KEPT) - self.head.len();
            if wanted == 0 {
                shown(&self.head);
                self.skip = whole - self.head.len();
                self.head.clear();
                continue;
            }
            if octets.is_empty() {
                return;
            }
            let taken = wanted.min(octets.len());
            self.head.extend_from_slice(&octets[..taken]);
            octets = &octets[taken..];
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.io).poll_read(cx, buffer);
        let octets = &buffer.filled()[before..];
        this.incoming.push(octets, |frame| this.voice.detail(format_args!("< {}", show::line(frame))));
        result
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, octets);
        if let Poll::Ready(Ok(written)) = &result {
            let written = &octets[..*written];
            this.outgoing.push(written, |frame| this.voice.detail(format_args!("> {}", show::line(frame))));
        }
        result
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_out_wherever_the_pieces_end() {
        let long = [&b"\x0a\x02\0\0\x20\0"[..], &[b'x'; 0x2000]].concat();
        let stream = [&b"\x0a\x01\0\0\0\0"[..], &long, b"\x0a\x03\0\0\0\x02hi\x0a"].concat();
        for size in [1, 2, 5, 6, 7, 100, 4096, 5000, stream.len()] {
            let (mut frames, mut shown) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece, |frame| shown.push(frame.to_vec()));
            }
            let expected = [&b"\x0a\x01\0\0\0\0"[..], &long[..KEPT], b"\x0a\x03\0\0\0\x02hi"];
            assert_eq!(shown, expected, "in pieces of {size}");
            assert_eq!(frames.head, b"\x0a");
        }
    }
}
