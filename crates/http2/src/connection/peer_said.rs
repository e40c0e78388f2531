//! Why the peer ended a stream or the connection, in its own words: for those who look for the fault.

use wirelace_http_semantics::StreamId;
use wirelace_http2_frames::ErrorCode;

/// Octets of debug data that are kept.
const DEBUG: usize = 256;

#[derive(Debug, Default)]
pub(super) struct PeerSaid {
    pub(super) reset: Option<(StreamId, ErrorCode)>,
    pub(super) go_away: Option<Box<GoAway>>,
}

#[derive(Debug)]
pub(super) struct GoAway {
    pub(super) code: ErrorCode,
    pub(super) debug: Box<[u8]>,
}

impl PeerSaid {
    pub(super) fn go_away(&mut self, code: ErrorCode, debug: &[u8]) {
        let debug = debug.get(..DEBUG).unwrap_or(debug).into();
        self.go_away = Some(Box::new(GoAway { code, debug }));
    }
}
