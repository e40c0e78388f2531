//! Reading into and writing from a machine's buffers.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;
use wirelace_wire::Output;

use crate::pool;

/// Slices of one vectored write.
const SLICES: usize = 64;

/// Reads once.
pub(crate) fn read<IO: AsyncRead + Unpin>(
    io: &mut IO,
    input: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let spare = input.capacity() - input.len();
    if spare < pool::READ_MIN {
        if !input.is_empty() {
            input.reserve(pool::READ_SIZE);
        } else if !input.try_reclaim(pool::READ_SIZE) {
            *input = pool::take_read();
        }
    }
    // Through `poll_read`: on a short read tokio knows that the socket is drained and asks it no second time.
    poll_read_buf(Pin::new(io), cx, input)
}

/// Writes until nothing waits or the transport takes no more. Returns what was written.
pub(crate) fn write<IO: AsyncWrite + Unpin>(
    io: &mut IO,
    output: &mut Output,
    cx: &mut Context<'_>,
) -> io::Result<usize> {
    let mut total = 0;
    while !output.is_empty() {
        let written = if output.is_contiguous() {
            Pin::new(&mut *io).poll_write(cx, output.first_chunk())
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = output.io_slices(&mut slices);
            Pin::new(&mut *io).poll_write_vectored(cx, slices.get(..filled).unwrap_or_default())
        };
        match written {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(written)) => {
                output.advance(written);
                total += written;
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => break,
        }
    }
    Ok(total)
}
