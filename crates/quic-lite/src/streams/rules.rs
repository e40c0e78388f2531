//! The rules that a peer may break.

use crate::error::{TransportError, TransportErrorCode};

pub(super) const STREAM_DATA: TransportError = TransportError::new(
    TransportErrorCode::FLOW_CONTROL_ERROR,
    "data behind what MAX_STREAM_DATA allows (RFC 9000 §4.1)",
);
pub(super) const DATA: TransportError = TransportError::new(
    TransportErrorCode::FLOW_CONTROL_ERROR,
    "more data on all streams than MAX_DATA allows (RFC 9000 §4.1)",
);
pub(super) const OFFSET: TransportError = TransportError::new(
    TransportErrorCode::FLOW_CONTROL_ERROR,
    "a stream ends behind 2^62 - 1 (RFC 9000 §19.8)",
);
pub(super) const BEHIND_END: TransportError = TransportError::new(
    TransportErrorCode::FINAL_SIZE_ERROR,
    "data behind the final size of a stream (RFC 9000 §4.5)",
);
pub(super) const OTHER_END: TransportError = TransportError::new(
    TransportErrorCode::FINAL_SIZE_ERROR,
    "another final size of a stream than before (RFC 9000 §4.5)",
);
pub(super) const END_BEFORE_DATA: TransportError = TransportError::new(
    TransportErrorCode::FINAL_SIZE_ERROR,
    "a final size of a stream below what was sent on it (RFC 9000 §4.5)",
);
pub(super) const TOO_MANY_STREAMS: TransportError = TransportError::new(
    TransportErrorCode::STREAM_LIMIT_ERROR,
    "a stream behind what MAX_STREAMS allows (RFC 9000 §4.6)",
);
pub(super) const NOT_OPENED: TransportError = TransportError::new(
    TransportErrorCode::STREAM_STATE_ERROR,
    "a frame for a stream that this side has not opened (RFC 9000 §19.5, §19.8, §19.10)",
);
pub(super) const SEND_ONLY: TransportError = TransportError::new(
    TransportErrorCode::STREAM_STATE_ERROR,
    "a receiver's stream was sent on (RFC 9000 §19.4, §19.8, §19.13)",
);
pub(super) const RECEIVE_ONLY: TransportError = TransportError::new(
    TransportErrorCode::STREAM_STATE_ERROR,
    "a sender's stream was stopped or given credit (RFC 9000 §19.5, §19.10)",
);
pub(super) const STREAMS: TransportError = TransportError::new(
    TransportErrorCode::FRAME_ENCODING_ERROR,
    "a number of streams above 2^60 (RFC 9000 §19.11, §19.14)",
);
pub(super) const PIECES: TransportError = TransportError::new(
    TransportErrorCode::INTERNAL_ERROR,
    "data in more pieces out of order than this side keeps",
);
