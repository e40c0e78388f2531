//! What a simulated network connects.

use std::time::Instant;

use crate::packet::Packet;

/// One host of a [`Network`](crate::Network): a protocol machine for datagrams with the application on top of it.
pub trait Endpoint {
    /// A packet has arrived. Its destination has one of the addresses of this host, and any port.
    fn receive(&mut self, now: Instant, packet: Packet);

    /// The next packet to send; its source must have one of the addresses of this host. Asked again until there
    /// is none, after everything that happens at any host.
    fn transmit(&mut self, now: Instant) -> Option<Packet>;

    /// When [`on_deadline`](Endpoint::on_deadline) is to be called.
    fn deadline(&self) -> Option<Instant>;

    /// The deadline has come.
    fn on_deadline(&mut self, now: Instant);

    /// True when this host has all it wanted: a run ends when all have.
    fn is_done(&self) -> bool;
}

impl<T: Endpoint + ?Sized> Endpoint for Box<T> {
    fn receive(&mut self, now: Instant, packet: Packet) {
        (**self).receive(now, packet);
    }

    fn transmit(&mut self, now: Instant) -> Option<Packet> {
        (**self).transmit(now)
    }

    fn deadline(&self) -> Option<Instant> {
        (**self).deadline()
    }

    fn on_deadline(&mut self, now: Instant) {
        (**self).on_deadline(now);
    }

    fn is_done(&self) -> bool {
        (**self).is_done()
    }
}
