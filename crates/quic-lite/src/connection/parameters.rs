//! The transport parameters that follow from the limits (RFC 9000 §18).

use crate::connection_id::ConnectionId;
use crate::entropy::Entropy;
use crate::limits::Limits;
use crate::transport_parameters::TransportParameters;

/// Of either side; a server adds what only servers say.
pub(super) fn of(limits: &Limits, source: ConnectionId, _entropy: &mut Entropy) -> TransportParameters {
    TransportParameters {
        max_idle_timeout: limits.idle_timeout,
        initial_max_data: limits.data_window,
        initial_max_stream_data_bidi_local: limits.stream_window,
        initial_max_stream_data_bidi_remote: limits.stream_window,
        initial_max_stream_data_uni: limits.stream_window,
        initial_max_streams_bidi: limits.bidirectional_streams,
        initial_max_streams_uni: limits.unidirectional_streams,
        max_ack_delay: limits.max_ack_delay,
        active_connection_id_limit: limits.connection_ids.max(2),
        max_datagram_frame_size: limits.max_datagram_frame,
        disable_active_migration: !limits.migration,
        initial_source_connection_id: Some(source),
        ..TransportParameters::default()
    }
}
