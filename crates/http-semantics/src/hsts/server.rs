//! The server's side (RFC 6797 §7).

use alloc::format;
use alloc::string::{String, ToString as _};

use super::policy::HstsPolicy;
use crate::target::{TargetForm, host_port, split_absolute};

/// What a server does with its policy: the field on responses over TLS, a redirect for requests without.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HstsServer {
    value: String,
    port: u16,
}

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HstsAnswer<'a> {
    /// It came over TLS: serve it, and add Strict-Transport-Security with this value (RFC 6797 §7.1).
    Serve {
        /// The value of the field.
        field: &'a str,
    },
    /// It came in the clear: answer 301 (Moved Permanently) with this Location, and without the field, which may not be
    /// sent in the clear (RFC 6797 §7.2).
    Redirect {
        /// An absolute `https:` URL.
        location: String,
    },
    /// It came in the clear and names no host or has no path: answer 400 (Bad Request), and without the field.
    Refuse,
}

impl HstsServer {
    /// With TLS at port 443.
    #[must_use]
    pub fn new(policy: &HstsPolicy) -> HstsServer {
        HstsServer { value: policy.to_string(), port: 443 }
    }

    /// TLS is at another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> HstsServer {
        self.port = port;
        self
    }

    /// The value of Strict-Transport-Security.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What to do with a request: whether it came over TLS, its method, its request-target, and its Host.
    ///
    /// The redirect goes to the host that the client named: whoever serves only some names checks it first.
    #[must_use]
    pub fn answer(&self, secure: bool, method: &str, target: &[u8], host: Option<&[u8]>) -> HstsAnswer<'_> {
        if secure {
            return HstsAnswer::Serve { field: &self.value };
        }
        match self.location(method, target, host) {
            Some(location) => HstsAnswer::Redirect { location },
            None => HstsAnswer::Refuse,
        }
    }

    fn location(&self, method: &str, target: &[u8], host: Option<&[u8]>) -> Option<String> {
        let (authority, path) = match TargetForm::of(method, target).ok()? {
            TargetForm::Origin => (host?, target),
            TargetForm::Absolute => split_absolute(target).map(|(_, authority, path)| (authority, path))?,
            TargetForm::Authority | TargetForm::Asterisk => return None,
        };
        let (host, _) = host_port(authority)?;
        let (host, path) = (core::str::from_utf8(host).ok()?, core::str::from_utf8(path).ok()?);
        if host.is_empty() {
            return None;
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Some(match self.port {
            443 => format!("https://{host}{slash}{path}"),
            port => format!("https://{host}:{port}{slash}{path}"),
        })
    }
}
