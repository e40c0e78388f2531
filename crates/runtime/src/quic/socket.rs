//! A UDP socket with segmentation offload, ECN, and the addresses that datagrams arrive at.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use quinn_udp::{EcnCodepoint, RecvMeta, UdpSockRef, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use wirelace_quic_lite::{Datagram, Ecn, Transmit};

/// Bytes that the system keeps of what comes and goes, at most; the usual ones are too small for QUIC.
const BUFFER: usize = 4 << 20;
/// Buffers that one call fills.
const BATCH: usize = 8;
/// Octets of a buffer: a whole train.
const TRAIN: usize = 65_536;
/// Octets of a train that is sent, at most: what the system takes at once.
const SENT: usize = 65_000;

/// A UDP socket as QUIC wants it.
#[derive(Debug)]
pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    /// What a call fills; used again and again.
    buffers: Vec<u8>,
    wildcard: bool,
}

impl Socket {
    /// Takes over a socket that is bound.
    pub(super) fn new(socket: StdSocket) -> io::Result<Socket> {
        socket.set_nonblocking(true)?;
        let wildcard = socket.local_addr()?.ip().is_unspecified();
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // The system may give less: so be it.
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), BUFFER);
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), BUFFER);
        let socket = UdpSocket::from_std(socket)?;
        Ok(Socket { socket, state, buffers: vec![0; BATCH * TRAIN], wildcard })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Datagrams of `size` octets that go at once, at most.
    pub(super) fn segments(&self, size: usize) -> usize {
        self.state.max_gso_segments().min(SENT / size.max(1)).max(1)
    }

    /// Receives what is there; `take` gets each datagram. Ready when there was anything.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(Datagram),
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            let mut metas = [RecvMeta::default(); BATCH];
            let mut slices = self.buffers.chunks_mut(TRAIN).map(IoSliceMut::new);
            let mut slices: [IoSliceMut<'_>; BATCH] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            let received = self.socket.try_io(Interest::READABLE, || {
                self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas)
            });
            let count = match received {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                // Somebody that was sent to is not there: no matter for the others.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let mut datagrams = 0;
            for (slice, meta) in slices.iter().zip(&metas).take(count) {
                // One block for a train: datagrams are taken out of it without a copy.
                let mut train = BytesMut::from(slice.get(..meta.len).unwrap_or_default());
                let local = meta.dst_ip.filter(|_| self.wildcard);
                while !train.is_empty() {
                    let data = train.split_to(meta.stride.clamp(1, train.len()));
                    datagrams += 1;
                    take(Datagram { remote: meta.addr, local, ecn: ecn(meta.ecn), data });
                }
            }
            return Poll::Ready(Ok(datagrams));
        }
    }

    /// Sends a train, all or nothing. Pending: the system has no room.
    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        transmit: &Transmit,
        contents: &[u8],
    ) -> Poll<io::Result<()>> {
        let out = quinn_udp::Transmit {
            destination: transmit.destination,
            ecn: match transmit.ecn {
                Ecn::NotEct => None,
                Ecn::Ect0 => Some(EcnCodepoint::Ect0),
                Ecn::Ect1 => Some(EcnCodepoint::Ect1),
                Ecn::Ce => Some(EcnCodepoint::Ce),
            },
            contents,
            segment_size: transmit.segment,
            src_ip: transmit.source,
        };
        loop {
            ready!(self.socket.poll_send_ready(cx))?;
            let sent = self
                .socket
                .try_io(Interest::WRITABLE, || self.state.try_send(UdpSockRef::from(&self.socket), &out));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // What cannot go is lost, as on any path.
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

fn ecn(mark: Option<EcnCodepoint>) -> Ecn {
    match mark {
        None => Ecn::NotEct,
        Some(EcnCodepoint::Ect0) => Ecn::Ect0,
        Some(EcnCodepoint::Ect1) => Ecn::Ect1,
        Some(EcnCodepoint::Ce) => Ecn::Ce,
    }
}
