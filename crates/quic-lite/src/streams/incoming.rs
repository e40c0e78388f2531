//! Frames that came (RFC 9000 §19.4 to §19.14).

use bytes::Bytes;
use wirelace_wire::varint::VARINT_MAX;

use super::receive::Came;
use super::{MAX_STREAMS, Streams, event_bits, frame_bits, rules};
use crate::error::TransportError;
use crate::stream_id::{Direction, StreamId};

/// The part of a stream that a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Send,
    Receive,
}

impl Streams {
    /// The place of a stream, which the peer may open by naming it or a later one; `None`: it is over.
    fn find(&mut self, id: StreamId, part: Part) -> Result<Option<u32>, TransportError> {
        let own = id.initiator() == self.side;
        if id.direction() == Direction::Unidirectional {
            match (own, part) {
                (true, Part::Receive) => return Err(rules::SEND_ONLY),
                (false, Part::Send) => return Err(rules::RECEIVE_ONLY),
                _ => {}
            }
        }
        if let Some(slot) = self.table.slot(id) {
            return Ok(Some(slot));
        }
        if own {
            let used = self.own.of(id.direction()).window.used;
            return if id.index() < used { Ok(None) } else { Err(rules::NOT_OPENED) };
        }
        let window = &mut self.peers.of_mut(id.direction()).window;
        let opened = window.received();
        if id.index() < opened {
            return Ok(None);
        }
        if id.index() >= window.granted() || !window.receive(id.index() + 1 - opened) {
            return Err(rules::TOO_MANY_STREAMS);
        }
        let mut slot = None;
        for index in opened..=id.index() {
            slot = Some(self.add(StreamId::new(id.initiator(), id.direction(), index)));
        }
        Ok(slot)
    }

    /// STREAM (§19.8).
    pub(crate) fn on_stream(
        &mut self,
        id: StreamId,
        offset: u64,
        data: Bytes,
        fin: bool,
    ) -> Result<(), TransportError> {
        if offset.saturating_add(data.len() as u64) > VARINT_MAX {
            return Err(rules::OFFSET);
        }
        let Some(slot) = self.find(id, Part::Receive)? else { return Ok(()) };
        let Some(receive) = self.table.get_mut(slot).and_then(|stream| stream.receive.as_mut()) else {
            return Ok(());
        };
        let came = receive.on_data(&mut self.memory, offset, data, fin)?;
        let due = receive.needs_credit() && receive.window().is_due();
        self.count(came)?;
        if due {
            self.flag(slot, frame_bits::MAX_STREAM_DATA);
        } else if fin {
            self.unflag(slot, frame_bits::MAX_STREAM_DATA | frame_bits::STOP_SENDING);
        }
        if came.news {
            self.notify(slot, event_bits::READABLE);
        } else if fin {
            self.settle(slot);
        }
        Ok(())
    }

    fn count(&mut self, came: Came) -> Result<(), TransportError> {
        if !self.data_in.receive(came.counted) {
            return Err(rules::DATA);
        }
        self.data_in.consume(came.returned);
        Ok(())
    }

    /// RESET_STREAM (§19.4).
    pub(crate) fn on_reset_stream(
        &mut self,
        id: StreamId,
        code: u64,
        final_size: u64,
    ) -> Result<(), TransportError> {
        if final_size > VARINT_MAX {
            return Err(rules::OFFSET);
        }
        let Some(slot) = self.find(id, Part::Receive)? else { return Ok(()) };
        let Some(stream) = self.table.get_mut(slot) else { return Ok(()) };
        let Some(receive) = stream.receive.as_mut() else { return Ok(()) };
        let came = receive.on_reset(&mut self.memory, code, final_size)?;
        if came.news {
            stream.events &= !event_bits::READABLE;
        }
        self.count(came)?;
        self.unflag(slot, frame_bits::MAX_STREAM_DATA | frame_bits::STOP_SENDING);
        if came.news {
            self.stats.reset_by_peer += 1;
            self.notify(slot, event_bits::RESET);
        } else {
            self.settle(slot);
        }
        Ok(())
    }

    /// STOP_SENDING (§19.5): the stream is reset with its code.
    pub(crate) fn on_stop_sending(&mut self, id: StreamId, code: u64) -> Result<(), TransportError> {
        let Some(slot) = self.find(id, Part::Send)? else { return Ok(()) };
        let Some(stream) = self.table.get_mut(slot) else { return Ok(()) };
        if stream.send.as_mut().is_some_and(|send| send.reset(code, true)) {
            stream.events &= !event_bits::WRITABLE;
            self.stats.reset_by_peer += 1;
            self.notify(slot, event_bits::STOPPED);
            self.unflag(slot, frame_bits::STREAM_DATA_BLOCKED);
            self.flag(slot, frame_bits::RESET_STREAM);
            self.reschedule(slot);
        }
        Ok(())
    }

    /// MAX_DATA (§19.9).
    pub(crate) fn on_max_data(&mut self, value: u64) {
        self.raise_data(value);
    }

    /// MAX_STREAM_DATA (§19.10).
    pub(crate) fn on_max_stream_data(&mut self, id: StreamId, value: u64) -> Result<(), TransportError> {
        if let Some(slot) = self.find(id, Part::Send)? {
            self.raise_stream(slot, value);
        }
        Ok(())
    }

    /// MAX_STREAMS (§19.11).
    pub(crate) fn on_max_streams(&mut self, direction: Direction, value: u64) -> Result<(), TransportError> {
        if value > MAX_STREAMS {
            return Err(rules::STREAMS);
        }
        self.raise_streams(direction, value);
        Ok(())
    }

    /// STREAM_DATA_BLOCKED (§19.13). There is nothing to do: credit that was lost goes again by itself, and other credit
    /// is the application's to give.
    pub(crate) fn on_stream_data_blocked(&mut self, id: StreamId, _value: u64) -> Result<(), TransportError> {
        self.find(id, Part::Receive).map(|_| ())
    }

    /// STREAMS_BLOCKED (§19.14). There is nothing to do, as above.
    pub(crate) fn on_streams_blocked(&self, _direction: Direction, value: u64) -> Result<(), TransportError> {
        if value > MAX_STREAMS { Err(rules::STREAMS) } else { Ok(()) }
    }
}
