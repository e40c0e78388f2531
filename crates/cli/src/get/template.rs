//! The request that is sent, as often as it has to be.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::{Method, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use wirelace::semantics::{FieldId, FieldName, Fields, RequestHead};

use super::reader;
use super::url::Url;

/// A request without its URL.
#[derive(Debug, Clone)]
pub(super) struct Template {
    method: Method,
    version: Version,
    /// As given with -H; those that were given without a value only take a default away.
    fields: Fields,
    without: Vec<String>,
    data: Data,
    compressed: bool,
}

/// The body.
#[derive(Debug, Clone)]
enum Data {
    None,
    Text(Bytes),
    File(PathBuf),
    /// Can be read once only.
    Stdin,
}

pub(super) type RequestBody = UnsyncBoxBody<Bytes, io::Error>;

impl Template {
    /// # Errors
    /// What of it is wrong, in words.
    pub(super) fn new(
        method: Option<&str>,
        version: Version,
        fields: &[String],
        data: &[String],
        compressed: bool,
    ) -> Result<Template, String> {
        let data = Data::of(data)?;
        let method = match method {
            Some(name) => name.parse().map_err(|_| format!("-X {name}: not a method"))?,
            None if matches!(data, Data::None) => Method::GET,
            None => Method::POST,
        };
        if method == Method::CONNECT {
            return Err("-X CONNECT: tunnels are not supported".to_owned());
        }
        if version == Version::HTTP_10 && matches!(data, Data::Stdin) {
            return Err("-d @-: HTTP/1.0 has no framing for a body of unknown length".to_owned());
        }
        let mut template =
            Template { method, version, fields: Fields::new(), without: Vec::new(), data, compressed };
        for line in fields {
            template.field(line).map_err(|what| format!("-H '{}': {what}", line.escape_debug()))?;
        }
        Ok(template)
    }

    fn field(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = match (line.split_once(':'), line.strip_suffix(';')) {
            (Some((name, value)), _) => (name, value.trim_matches([' ', '\t'])),
            (None, Some(name)) => return self.fields.push(name, "").map_err(|error| error.to_string()),
            (None, None) => return Err("no colon; expected 'name: value'".to_owned()),
        };
        self.fields.push(name, value).map_err(|error| error.to_string())?;
        if value.is_empty() {
            self.fields.remove(name);
            self.without.push(name.to_ascii_lowercase());
        }
        Ok(())
    }

    /// Whether sending it twice does no more than sending it once (RFC 9110 §9.2.2), and is possible.
    pub(super) fn is_repeatable(&self) -> bool {
        let idempotent = matches!(
            self.method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
        );
        idempotent && self.can_repeat()
    }

    /// Whether it changes nothing.
    pub(super) fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    /// Whether its connection is for it alone: `Connection: close` says so in any version.
    pub(super) fn closes(&self) -> bool {
        self.fields.list_contains(FieldId::CONNECTION, "close")
    }

    /// Whether its body is there more than once.
    pub(super) fn can_repeat(&self) -> bool {
        !matches!(self.data, Data::Stdin)
    }

    /// The head for a URL.
    ///
    /// # Errors
    /// The target or the host cannot be sent.
    pub(super) fn head(&self, url: &Url) -> Result<RequestHead, String> {
        let mut head = RequestHead::new(self.method.clone(), url.target.clone())
            .map_err(|error| format!("{}: {error}", url.text))?;
        head.version = self.version;
        let defaults = [
            (FieldId::HOST, url.authority.as_str()),
            (FieldId::USER_AGENT, concat!("wirelace/", env!("CARGO_PKG_VERSION"))),
            (FieldId::ACCEPT, "*/*"),
            (FieldId::ACCEPT_ENCODING, if self.compressed { "gzip, deflate" } else { "" }),
            (
                FieldId::CONTENT_TYPE,
                if matches!(self.data, Data::None) { "" } else { "application/x-www-form-urlencoded" },
            ),
        ];
        for (id, value) in defaults {
            if !value.is_empty()
                && !self.fields.contains(id)
                && !self.without.iter().any(|name| name == id.name())
            {
                head.fields.push(id, value).map_err(|error| format!("{}: {error}", url.text))?;
            }
        }
        for field in self.fields.iter() {
            head.fields.push(FieldName::from(field.name), field.value).map_err(|error| error.to_string())?;
        }
        Ok(head)
    }

    /// A fresh body.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(super) fn body(&self) -> io::Result<RequestBody> {
        let never = |never: Infallible| match never {};
        Ok(match &self.data {
            Data::None => Empty::new().map_err(never).boxed_unsync(),
            Data::Text(text) => Full::new(text.clone()).map_err(never).boxed_unsync(),
            Data::File(path) => reader::file(path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?
                .boxed_unsync(),
            Data::Stdin => reader::stdin().boxed_unsync(),
        })
    }
}

impl Data {
    fn of(parts: &[String]) -> Result<Data, String> {
        match parts {
            [] => Ok(Data::None),
            [only] if only == "@-" => Ok(Data::Stdin),
            [only] if only.starts_with('@') => Ok(Data::File(only[1..].into())),
            parts if parts.iter().any(|part| part.starts_with('@')) => {
                Err("-d @FILE stands alone: it is the whole body".to_owned())
            }
            parts => Ok(Data::Text(parts.join("&").into())),
        }
    }
}
