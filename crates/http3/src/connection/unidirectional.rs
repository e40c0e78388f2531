//! Unidirectional streams of the peer's (RFC 9114 §6.2).

use bytes::{Bytes, BytesMut};
use wirelace_http_semantics::Event;
use wirelace_quic_lite::{Connection as Quic, Direction, StreamId as QuicStream};

use super::Connection;
use super::incoming::Unidirectional;
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::extension::ExtensionEvent;
use crate::frame::Reader;
use crate::settings::Role;
use crate::stream_type::StreamType;

impl Connection {
    /// Reads what a stream has: as far as the next event.
    pub(super) fn read_stream(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
    ) -> Result<Option<Event>, Error> {
        if stream.direction() == Direction::Bidirectional {
            return self.read_exchange(quic, stream.0);
        }
        loop {
            match self.incoming.get_mut(&stream.0) {
                None => return Ok(None),
                Some(Unidirectional::Push(id)) => {
                    let id = *id;
                    return self.read_exchange(quic, id);
                }
                Some(_) => {}
            }
            // What is known of it may change with each piece.
            let Ok(Some(chunk)) = quic.read(stream, usize::MAX) else { return Ok(None) };
            self.on_unidirectional(quic, stream, chunk.data, chunk.fin)?;
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
        }
    }

    fn on_unidirectional(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        data: Bytes,
        fin: bool,
    ) -> Result<(), Error> {
        let Some(known) = self.incoming.remove(&stream.0) else { return Ok(()) };
        let length = data.len();
        let next = match known {
            Unidirectional::New(mut reader) => {
                reader.take_taken();
                reader.feed(data, fin);
                match reader.varint() {
                    Some(kind) => return self.on_type(quic, stream, StreamType(kind), reader),
                    None => Some(Unidirectional::New(reader)),
                }
            }
            Unidirectional::PushId(mut reader) => {
                reader.feed(data, fin);
                return self.on_push_stream(quic, stream, reader);
            }
            Unidirectional::Control(mut reader) => {
                reader.feed(data, fin);
                self.read_control(quic, stream, &mut reader)?;
                Some(Unidirectional::Control(reader))
            }
            Unidirectional::Encoder(mut buffer) => {
                buffer.extend_from_slice(&data);
                self.decoder.encoder_stream(&mut buffer)?;
                quic.consumed(stream, length);
                self.incoming.insert(stream.0, Unidirectional::Encoder(buffer));
                self.unblock(quic)?;
                return self.check_critical(StreamType::QPACK_ENCODER, stream, fin);
            }
            Unidirectional::Decoder(mut buffer) => {
                buffer.extend_from_slice(&data);
                self.encoder.decoder_stream(&mut buffer)?;
                quic.consumed(stream, length);
                self.incoming.insert(stream.0, Unidirectional::Decoder(buffer));
                return self.check_critical(StreamType::QPACK_DECODER, stream, fin);
            }
            Unidirectional::Push(id) => Some(Unidirectional::Push(id)),
        };
        quic.consumed(stream, length);
        if let Some(next) = next
            && !fin
        {
            self.incoming.insert(stream.0, next);
        }
        Ok(())
    }

    pub(super) fn check_critical(
        &self,
        kind: StreamType,
        stream: QuicStream,
        fin: bool,
    ) -> Result<(), Error> {
        if fin { Err(Error::ClosedCriticalStream { kind, stream: stream.0 }) } else { Ok(()) }
    }

    /// The type of a stream is there.
    fn on_type(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        kind: StreamType,
        mut reader: Reader,
    ) -> Result<(), Error> {
        let taken = reader.take_taken();
        quic.consumed(stream, taken);
        let slot = match kind {
            StreamType::CONTROL => &mut self.peer_control,
            StreamType::QPACK_ENCODER => &mut self.peer_encoder,
            StreamType::QPACK_DECODER => &mut self.peer_decoder,
            StreamType::PUSH => {
                if self.role == Role::Server {
                    return Err(Error::StreamCreation { kind, stream: stream.0 });
                }
                return self.on_push_stream(quic, stream, reader);
            }
            StreamType(other) if self.registered.unidirectional.contains(&other) => {
                let (data, end) = (reader.take_rest(), reader.fin);
                self.extension_events.push_back(ExtensionEvent::Stream { stream, kind: other, data, end });
                return Ok(());
            }
            StreamType(_) => {
                let rest = reader.take_rest();
                self.stats.discarded += rest.len() as u64;
                self.rates.control(self.now)?;
                self.rates.unknown(self.now, rest.len())?;
                quic.consumed(stream, rest.len());
                if !reader.fin {
                    // RFC 9114 §6.2: either is allowed, and this costs less.
                    quic.stop(stream, ErrorCode::H3_STREAM_CREATION_ERROR.0);
                }
                return Ok(());
            }
        };
        if slot.replace(stream).is_some() {
            return Err(Error::StreamCreation { kind, stream: stream.0 });
        }
        let (rest, fin) = (reader.take_rest(), reader.fin);
        let fresh = match kind {
            StreamType::CONTROL => Unidirectional::Control(Reader::default()),
            StreamType::QPACK_ENCODER => Unidirectional::Encoder(BytesMut::new()),
            _ => Unidirectional::Decoder(BytesMut::new()),
        };
        self.incoming.insert(stream.0, fresh);
        if rest.is_empty() && !fin {
            return Ok(());
        }
        self.on_unidirectional(quic, stream, rest, fin)
    }
}
