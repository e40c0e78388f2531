//! What a listener in the clear says where everything is served with TLS.

use http::{Method, StatusCode};
use wirelace_http_semantics::FieldId;
use wirelace_http_semantics::hsts::{HstsAnswer, HstsPolicy, HstsServer};

use crate::handler::Handler;
use crate::request::Request;
use crate::response::Response;

/// Sends every request to the same URL with `https` (RFC 6797 §7.2).
#[derive(Debug)]
pub(crate) struct Redirect(HstsServer);

impl Redirect {
    /// To TLS at this port.
    pub(crate) fn new(port: u16) -> Redirect {
        // The policy is for answers over TLS, which come from elsewhere.
        Redirect(HstsServer::new(&HstsPolicy::new(0)).port(port))
    }
}

impl Handler for Redirect {
    async fn handle(&self, request: Request) -> Response {
        let head = &request.head;
        let host = head.fields.get(FieldId::HOST);
        let HstsAnswer::Redirect { location } =
            self.0.answer(false, head.method.as_str(), &head.target, host)
        else {
            return Response::new(StatusCode::BAD_REQUEST).with_body("this is served over https alone\n");
        };
        // 301 would make a GET of a POST (RFC 9110 §15.4.2).
        let status = match head.method {
            Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::PERMANENT_REDIRECT,
        };
        let response = Response::new(status).with_field(FieldId::LOCATION, location);
        response.unwrap_or_else(|_| Response::new(StatusCode::BAD_REQUEST))
    }
}
