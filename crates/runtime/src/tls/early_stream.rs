//! Reading and writing while the handshake goes on.

use std::io;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use super::early::{Early, EarlyData};
use super::stream::{TlsStream, failed};
use crate::timer::clock;
use crate::transport;

/// Plaintext that waits to be read, above which a writer reads no more.
const MAX_WAITING: usize = 64 * 1024;

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// The handle that tells when the handshake is complete. `None`: it is, since there was no early data, or since
    /// then.
    #[must_use]
    pub fn early(&self) -> Option<EarlyData> {
        self.early.as_ref().map(|early| early.handle.clone())
    }

    /// Whether the stream can be used although its handshake is not complete.
    pub(super) fn may_begin_early(&self) -> bool {
        self.session.is_handshaking() && self.session.room() > 0
    }

    pub(super) fn begin_early(&mut self) {
        if self.session.is_handshaking() {
            let held = !self.session.output().is_empty();
            self.early = Some(Box::new(Early::new(self.session.deadline(), held)));
        }
    }

    /// The handshake may be complete now.
    fn settle_early(&mut self) {
        if !self.session.is_handshaking()
            && let Some(early) = self.early.take()
        {
            // A session that failed is over, too.
            let report = self.session.report().filter(|_| self.session.failure().is_none());
            early.handle.end(report);
        }
    }

    /// The deadline of the handshake.
    fn check_early(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let timer = self.early.as_mut().and_then(|early| early.timer.as_mut());
        if timer.is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            let over = self.on_deadline(cx, clock());
            self.settle_early();
            over.map_err(failed)?;
        }
        Ok(())
    }

    /// Reads during the handshake, which it goes on with.
    pub(super) fn poll_early_read(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_early(cx)?;
        if self.early.as_mut().is_some_and(|early| std::mem::take(&mut early.held)) {
            // Who reads first and writes then, in one go, is asked again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.write_out(cx)?;
        let read = self.poll_plain(cx, out);
        if let Some(early) = &mut self.early {
            early.reader = read.is_pending().then(|| cx.waker().clone());
            if read.is_ready()
                && let Some(writer) = early.writer.take()
            {
                writer.wake();
            }
        }
        self.settle_early();
        read
    }

    /// Goes on with the handshake until something can be sent, or it is complete.
    pub(super) fn poll_early_write(&mut self, cx: &mut Context<'_>, whole: bool) -> Poll<io::Result<()>> {
        self.check_early(cx)?;
        while self.session.is_handshaking() && (whole || self.session.room() == 0) {
            self.write_out(cx)?;
            let read = match () {
                // Who reads has to take something first.
                () if self.plain.len() >= MAX_WAITING => Poll::Pending,
                () => transport::read(&mut self.io, &mut self.input, cx),
            };
            let read = match read {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    if let Some(early) = &mut self.early {
                        early.writer = Some(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
            };
            let taken = match read {
                0 => self.session.end_of_input(),
                _ => self.session.receive(clock(), &mut self.input, &mut self.plain),
            };
            let _ = self.write_out(cx);
            if let Some(reader) = self.early.as_mut().and_then(|early| early.reader.take()) {
                reader.wake();
            }
            self.settle_early();
            taken.map_err(failed)?;
        }
        Poll::Ready(Ok(()))
    }
}
