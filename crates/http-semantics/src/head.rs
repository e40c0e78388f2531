//! Heads: what starts a request or a response, in every HTTP version.

use bytes::Bytes;
use http::{Method, StatusCode, Version};

use crate::field_id::FieldId;
use crate::fields::Fields;
use crate::target::{TargetForm, split_absolute, split_path_query};

/// The head of a request or of a response.
#[derive(Debug, Clone)]
pub enum Head {
    /// A request's. Boxed: it passes through many hands.
    Request(Box<RequestHead>),
    /// A response's, interim ones included.
    Response(ResponseHead),
}

/// The head of a request (RFC 9110 §6.2).
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// The method, in its own case.
    pub method: Method,
    /// The request-target as HTTP/1 writes it: `/path?query`, `http://host/path`, `host:port` or `*`.
    /// HTTP/2 and HTTP/3 put `:path` here (for CONNECT, `:authority`).
    pub target: Bytes,
    /// Which of the four forms `target` has.
    pub form: TargetForm,
    /// The version of the message.
    pub version: Version,
    /// The `:protocol` of an extended CONNECT (RFC 8441 §4).
    pub protocol: Option<Box<str>>,
    /// The header section. HTTP/2 and HTTP/3 put `:authority` here as Host.
    pub fields: Fields,
}

/// The head of a response (RFC 9110 §6.2).
#[derive(Debug, Clone)]
pub struct ResponseHead {
    /// The status code; 1xx are interim responses.
    pub status: StatusCode,
    /// The version of the message; ignored when sending.
    pub version: Version,
    /// HTTP/1 only: the reason phrase; `None` writes the usual one.
    pub reason: Option<Box<[u8]>>,
    /// The header section.
    pub fields: Fields,
}

impl RequestHead {
    /// A request with no fields. The form is found from the method and the target.
    ///
    /// # Errors
    /// `target` has none of the four forms, or one that the method does not allow.
    pub fn new(method: Method, target: impl Into<Bytes>) -> Result<RequestHead, crate::target::TargetError> {
        let target = target.into();
        let form = TargetForm::of(&method, &target)?;
        Ok(RequestHead {
            method,
            target,
            form,
            version: Version::HTTP_11,
            protocol: None,
            fields: Fields::new(),
        })
    }

    /// The path, without the query: `/` for an absolute target without one, `*` for the asterisk form, empty
    /// for the authority form.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query().0
    }

    /// What follows the first `?` of the target.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().1
    }

    fn path_and_query(&self) -> (&str, Option<&str>) {
        let target = match self.form {
            TargetForm::Origin | TargetForm::Asterisk => &self.target[..],
            TargetForm::Absolute => split_absolute(&self.target).map_or(&b""[..], |parts| parts.2),
            TargetForm::Authority => return ("", None),
        };
        // Targets are ASCII: the parsers see to it.
        let target = core::str::from_utf8(target).unwrap_or("/");
        match split_path_query(target) {
            ("", query) => ("/", query),
            parts => parts,
        }
    }

    /// The host and port asked for: the target's where it names one, else that of Host (RFC 9112 §3.2.2).
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        match self.form {
            TargetForm::Absolute => split_absolute(&self.target).map(|parts| parts.1),
            TargetForm::Authority => Some(&self.target),
            TargetForm::Origin | TargetForm::Asterisk => self.fields.get(FieldId::HOST),
        }
    }
}

impl ResponseHead {
    /// A response with no fields.
    #[must_use]
    pub fn new(status: StatusCode) -> ResponseHead {
        ResponseHead { status, version: Version::HTTP_11, reason: None, fields: Fields::new() }
    }

    /// True for 1xx but 101, which ends the exchange's HTTP (RFC 9110 §15.2).
    #[must_use]
    pub fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}
