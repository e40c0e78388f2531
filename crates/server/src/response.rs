//! Responses as the native handler makes them.

use bytes::Bytes;
use http::StatusCode;
use wirelace_http_semantics::{FieldError, FieldId, FieldName, ResponseHead};

use crate::response_body::ResponseBody;

/// A response.
///
/// Its framing is settled by the server: Content-Length is set where the body's length is known and removed where
/// it is not; Date is added.
#[derive(Debug)]
pub struct Response {
    /// Status and header section.
    pub head: ResponseHead,
    /// What follows.
    pub body: ResponseBody,
}

impl Response {
    /// A response without fields and body.
    #[must_use]
    pub fn new(status: StatusCode) -> Response {
        Response { head: ResponseHead::new(status), body: ResponseBody::Empty }
    }

    /// 200 with a body of that media type.
    ///
    /// # Errors
    /// The media type is no valid field value.
    pub fn of_type(media_type: &str, body: impl Into<ResponseBody>) -> Result<Response, FieldError> {
        Response::new(StatusCode::OK).with_body(body).with_field(FieldId::CONTENT_TYPE, media_type)
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<ResponseBody>) -> Response {
        self.body = body.into();
        self
    }

    /// Adds a field line.
    ///
    /// # Errors
    /// Name or value are not valid.
    pub fn with_field<'a>(
        mut self,
        name: impl Into<FieldName<'a>>,
        value: impl AsRef<[u8]>,
    ) -> Result<Response, FieldError> {
        self.head.fields.push(name, value)?;
        Ok(self)
    }

    fn text(body: Bytes) -> Response {
        let mut response = Response::new(StatusCode::OK);
        // The value is known to be valid.
        let _ = response.head.fields.push(FieldId::CONTENT_TYPE, "text/plain; charset=utf-8");
        response.body = ResponseBody::from(body);
        response
    }
}

impl From<StatusCode> for Response {
    fn from(status: StatusCode) -> Response {
        Response::new(status)
    }
}

/// 200, `text/plain`.
impl From<&'static str> for Response {
    fn from(text: &'static str) -> Response {
        Response::text(Bytes::from_static(text.as_bytes()))
    }
}

/// 200, `text/plain`.
impl From<String> for Response {
    fn from(text: String) -> Response {
        Response::text(text.into())
    }
}

/// The response itself, or the other one.
impl<T: Into<Response>, E: Into<Response>> From<Result<T, E>> for Response {
    fn from(result: Result<T, E>) -> Response {
        match result {
            Ok(response) => response.into(),
            Err(response) => response.into(),
        }
    }
}
