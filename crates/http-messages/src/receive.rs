//! Field sections to messages (RFC 9113 §8.1 to §8.5, RFC 9114 §4.2 to §4.4).

use core::ops::Range;

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use wirelace_hpack::{HeaderBlock, Position, StaticName};
use wirelace_http_semantics::framing::Framing;
use wirelace_http_semantics::target::{TargetForm, is_authority};
use wirelace_http_semantics::{FieldId, Fields, Priority, RequestHead, ResponseHead};
use wirelace_wire::field::is_field_value;
use wirelace_wire::token::is_token;

use crate::malformed::Malformed;
use crate::tables::field_id;

/// A head, and what the connection acts on.
#[derive(Debug)]
pub struct Received<H> {
    /// The head.
    pub head: H,
    /// What Content-Length says.
    pub content_length: Option<u64>,
    /// A request whose client waits for 100 (Continue).
    pub expect_continue: bool,
    /// What the field `priority` says (RFC 9218 §5).
    pub priority: Priority,
}

/// The request of a field section. `protocol`: extended CONNECT was offered (RFC 8441, RFC 9220).
///
/// # Errors
/// It breaks a rule; the block's memory may be gone.
pub fn request(
    block: &mut HeaderBlock,
    version: Version,
    protocol: bool,
) -> Result<Received<Box<RequestHead>>, Malformed> {
    let mut section = Section::new(block.len());
    let mut pseudo = RequestPseudo::default();
    section.read(block, |name, position, arena| pseudo.take(name, position, arena))?;
    let method = pseudo.method.ok_or(Malformed::PseudoMissing)?;
    let connect = method == Method::CONNECT;
    let extended = pseudo.protocol.is_some();
    if extended && !(connect && protocol) {
        return Err(Malformed::Protocol);
    }
    let named = section.check_authority(block.arena())?;
    let (target, form) = if connect && !extended {
        // What names the tunnel's other end is all there is (RFC 9113 §8.5).
        if pseudo.path.is_some() || pseudo.scheme {
            return Err(Malformed::Connect);
        }
        let target = section.authority.as_ref().and_then(|range| block.arena().get(range.clone()));
        let target = Bytes::copy_from_slice(target.ok_or(Malformed::Connect)?);
        let form = TargetForm::of(&method, &target).map_err(|_| Malformed::Connect)?;
        (target, form)
    } else {
        let (Some(target), true) = (pseudo.path, pseudo.scheme) else {
            return Err(Malformed::PseudoMissing);
        };
        let form =
            if extended { TargetForm::of(&Method::GET, &target) } else { TargetForm::of(&method, &target) };
        match form {
            Ok(form @ (TargetForm::Origin | TargetForm::Asterisk)) => (target, form),
            _ => return Err(Malformed::Path),
        }
    };
    if !named {
        return Err(Malformed::Authority);
    }
    let protocol = match pseudo.protocol {
        None => None,
        Some(range) => {
            let token = core::str::from_utf8(block.arena().get(range).unwrap_or_default());
            Some(token.map_err(|_| Malformed::Protocol)?.into())
        }
    };
    let Section { framing, expect_continue, priority, .. } = section;
    let fields = section.finish(block)?;
    let head = RequestHead { method, target, form, version, protocol, fields };
    Ok(Received { head: Box::new(head), content_length: framing.content_length, expect_continue, priority })
}

/// The request that a PUSH_PROMISE announces: GET or HEAD without a body (RFC 9113 §8.4, RFC 9114 §4.6).
///
/// # Errors
/// It breaks a rule.
pub fn promised(block: &mut HeaderBlock, version: Version) -> Result<Received<Box<RequestHead>>, Malformed> {
    let received = request(block, version, false)?;
    let empty = received.content_length.is_none_or(|length| length == 0);
    if !matches!(received.head.method, Method::GET | Method::HEAD) || !empty {
        return Err(Malformed::Promise);
    }
    Ok(received)
}

/// The response of a field section.
///
/// # Errors
/// It breaks a rule.
pub fn response(block: &mut HeaderBlock, version: Version) -> Result<Received<ResponseHead>, Malformed> {
    let mut section = Section::new(block.len());
    let mut status = None;
    section.read(block, |name, position, arena| {
        if name != Some(StaticName::STATUS) {
            return Err(Malformed::PseudoUnknown);
        }
        if status.is_some() {
            return Err(Malformed::PseudoRepeated);
        }
        status = Some(status_code(value(position, arena))?);
        Ok(())
    })?;
    let status = status.ok_or(Malformed::PseudoMissing)?;
    let Section { framing, priority, .. } = section;
    let fields = section.finish(block)?;
    let head = ResponseHead { status, version, reason: None, fields };
    Ok(Received { head, content_length: framing.content_length, expect_continue: false, priority })
}

/// The trailer section of a message.
///
/// # Errors
/// It breaks a rule.
pub fn trailers(block: &mut HeaderBlock) -> Result<Fields, Malformed> {
    let mut section = Section::new(block.len());
    section.read(block, |_, _, _| Err(Malformed::PseudoUnknown))?;
    section.finish(block)
}

#[inline]
fn status_code(value: &[u8]) -> Result<StatusCode, Malformed> {
    match StatusCode::from_bytes(value) {
        // There are no upgrades (RFC 9113 §8.6, RFC 9114 §4.5).
        Ok(StatusCode::SWITCHING_PROTOCOLS) | Err(_) => Err(Malformed::Status),
        Ok(status) => Ok(status),
    }
}

#[inline]
fn value<'a>(position: &Position, arena: &'a [u8]) -> &'a [u8] {
    arena.get(span(position.value())).unwrap_or_default()
}

#[inline(always)]
fn span(range: Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

#[derive(Default)]
struct RequestPseudo {
    method: Option<Method>,
    scheme: bool,
    authority: bool,
    path: Option<Bytes>,
    protocol: Option<Range<usize>>,
}

impl RequestPseudo {
    #[inline]
    fn take(&mut self, name: Option<StaticName>, position: &Position, arena: &[u8]) -> Result<(), Malformed> {
        let bytes = value(position, arena);
        let repeated = match name {
            Some(StaticName::METHOD) => {
                let method = match bytes {
                    b"GET" => Method::GET,
                    b"POST" => Method::POST,
                    _ => Method::from_bytes(bytes).map_err(|_| Malformed::Method)?,
                };
                self.method.replace(method).is_some()
            }
            Some(StaticName::SCHEME) => {
                if !matches!(bytes, b"https" | b"http") && !is_scheme(bytes) {
                    return Err(Malformed::Scheme);
                }
                core::mem::replace(&mut self.scheme, true)
            }
            Some(StaticName::AUTHORITY) => core::mem::replace(&mut self.authority, true),
            Some(StaticName::PATH) => {
                let path = match bytes {
                    b"/" => Bytes::from_static(b"/"),
                    _ => Bytes::copy_from_slice(bytes),
                };
                self.path.replace(path).is_some()
            }
            _ if arena.get(span(position.name())) == Some(b":protocol") => {
                if !is_token(bytes) {
                    return Err(Malformed::Protocol);
                }
                self.protocol.replace(span(position.value())).is_some()
            }
            _ => return Err(Malformed::PseudoUnknown),
        };
        if repeated { Err(Malformed::PseudoRepeated) } else { Ok(()) }
    }
}

fn is_scheme(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// A name as RFC 9113 §8.2.1 has it: a token without upper-case letters.
#[inline]
fn is_name(name: &[u8]) -> bool {
    is_token(name) && !name.iter().any(u8::is_ascii_uppercase)
}

/// The regular fields of a section, and what the connection must know of them.
struct Section {
    fields: Fields,
    framing: Framing,
    expect_continue: bool,
    priority: Priority,
    /// Where `:authority` is.
    authority: Option<Range<usize>>,
    hosts: u32,
    host: Option<Range<usize>>,
    /// Values of Cookie lines, to be joined (RFC 9113 §8.2.3).
    cookies: Cookies,
}

#[derive(Default)]
enum Cookies {
    #[default]
    None,
    One(Range<usize>),
    Many(Vec<Range<usize>>),
}

impl Section {
    fn new(fields: usize) -> Section {
        Section {
            fields: Fields::for_block(fields + 1),
            framing: Framing::default(),
            expect_continue: false,
            priority: Priority::default(),
            authority: None,
            hosts: 0,
            host: None,
            cookies: Cookies::None,
        }
    }

    #[inline]
    fn read(
        &mut self,
        block: &HeaderBlock,
        mut pseudo: impl FnMut(Option<StaticName>, &Position, &[u8]) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let arena = block.arena();
        let mut regular = false;
        for position in block.positions() {
            let name = position.static_name();
            let is_pseudo = match name {
                Some(name) => name.as_bytes().first() == Some(&b':'),
                None => arena.get(span(position.name())).and_then(|name| name.first()) == Some(&b':'),
            };
            if is_pseudo {
                if regular {
                    return Err(Malformed::PseudoLate);
                }
                pseudo(name, position, arena)?;
                if name == Some(StaticName::AUTHORITY) {
                    // What the application knows as Host, in front as RFC 9110 §7.2 wants it.
                    self.fields
                        .index(FieldId::HOST, 0..0, span(position.value()))
                        .map_err(|_| Malformed::Value)?;
                    self.authority = Some(span(position.value()));
                }
            } else {
                regular = true;
                self.field(name, position, arena)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn field(
        &mut self,
        name: Option<StaticName>,
        position: &Position,
        arena: &[u8],
    ) -> Result<(), Malformed> {
        let bytes = value(position, arena);
        if !is_field_value(bytes) {
            return Err(Malformed::Value);
        }
        let (id, range) = match name {
            Some(name) => (field_id(name), 0..0),
            None => {
                let range = span(position.name());
                let name = arena.get(range.clone()).unwrap_or_default();
                if !is_name(name) {
                    return Err(Malformed::Name);
                }
                let id = FieldId::of(name);
                (id, if id.is_known() { 0..0 } else { range })
            }
        };
        match id {
            FieldId::HOST => {
                self.hosts += 1;
                self.host = Some(span(position.value()));
                if self.authority.is_some() {
                    return Ok(()); // There already; compared later.
                }
            }
            FieldId::COOKIE => {
                self.cookie(span(position.value()));
                return Ok(());
            }
            FieldId::CONTENT_LENGTH => {
                self.framing.observe(id, bytes).map_err(|_| Malformed::ContentLength)?;
            }
            FieldId::CONNECTION
            | FieldId::PROXY_CONNECTION
            | FieldId::KEEP_ALIVE
            | FieldId::TRANSFER_ENCODING
            | FieldId::UPGRADE => return Err(Malformed::ConnectionSpecific),
            FieldId::TE if !bytes.eq_ignore_ascii_case(b"trailers") => return Err(Malformed::Te),
            FieldId::EXPECT => {
                if !bytes.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Malformed::Expectation);
                }
                self.expect_continue = true;
            }
            // Lines of one dictionary (RFC 8941 §4.2).
            FieldId::PRIORITY => self.priority = self.priority.merged(bytes),
            _ => {}
        }
        self.fields.index(id, range, span(position.value())).map_err(|_| Malformed::Name)?;
        if position.sensitive() {
            self.fields.mark_last_sensitive();
        }
        Ok(())
    }

    fn cookie(&mut self, crumb: Range<usize>) {
        self.cookies = match core::mem::take(&mut self.cookies) {
            Cookies::None => Cookies::One(crumb),
            Cookies::One(first) => Cookies::Many(vec![first, crumb]),
            Cookies::Many(mut crumbs) => {
                crumbs.push(crumb);
                Cookies::Many(crumbs)
            }
        };
    }

    /// Whether the request names an authority, in one way or in two that agree.
    fn check_authority(&self, arena: &[u8]) -> Result<bool, Malformed> {
        let bytes = |range: &Range<usize>| arena.get(range.clone()).unwrap_or_default();
        let authority = match (&self.authority, &self.host) {
            (Some(authority), Some(host)) if !bytes(authority).eq_ignore_ascii_case(bytes(host)) => {
                return Err(Malformed::Authority);
            }
            (Some(authority), _) | (None, Some(authority)) => authority,
            (None, None) => return Ok(false),
        };
        if self.hosts > 1 || bytes(authority).is_empty() || !is_authority(bytes(authority)) {
            return Err(Malformed::Authority);
        }
        Ok(true)
    }

    /// The fields, with the block's bytes as theirs.
    fn finish(mut self, block: &mut HeaderBlock) -> Result<Fields, Malformed> {
        let mut bytes = block.take_arena();
        block.set_arena(Fields::spare_block());
        match self.cookies {
            Cookies::None => {}
            Cookies::One(crumb) => {
                self.fields.index(FieldId::COOKIE, 0..0, crumb).map_err(|_| Malformed::Value)?;
            }
            Cookies::Many(crumbs) => {
                let start = bytes.len();
                for (number, crumb) in crumbs.into_iter().enumerate() {
                    if number > 0 {
                        bytes.extend_from_slice(b"; ");
                    }
                    bytes.extend_from_within(crumb);
                }
                let joined = start..bytes.len();
                self.fields.index(FieldId::COOKIE, 0..0, joined).map_err(|_| Malformed::Value)?;
            }
        }
        self.fields.set_owned_block(bytes);
        Ok(self.fields)
    }
}
