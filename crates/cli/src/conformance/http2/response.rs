//! What came on a stream.

use wirelace_http2_frames::ErrorCode;

/// Fields as they came.
pub(crate) type FieldLines = Vec<(Vec<u8>, Vec<u8>)>;

/// What came on a stream so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Response {
    /// The final status, once it is there.
    pub(crate) status: Option<u16>,
    /// Interim statuses before it.
    pub(crate) interim: Vec<u16>,
    /// The fields of the final head.
    pub(crate) fields: FieldLines,
    /// Of the request, where it was promised.
    pub(crate) promise: FieldLines,
    /// Octets of DATA, without padding.
    pub(crate) body: usize,
    /// Trailers came.
    pub(crate) trailers: Option<FieldLines>,
    /// END_STREAM came.
    pub(crate) ended: bool,
    /// RST_STREAM came.
    pub(crate) reset: Option<ErrorCode>,
    /// What the server may still send.
    pub(crate) window: i64,
}

impl Response {
    pub(super) fn new(window: i64) -> Response {
        Response { window, ..Response::default() }
    }

    /// The value of a field of the head.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(found, _)| found == name.as_bytes()).map(|(_, value)| &**value)
    }

    /// The request was refused for what it says.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_some_and(|status| (400..600).contains(&status))
    }
}
