//! Turns a received section into [`Fields`] and what the connection must know of it.

use core::ops::Range;

use bytes::BytesMut;
use wirelace_http_semantics::framing::Framing;
use wirelace_http_semantics::target::is_authority;
use wirelace_http_semantics::{FieldId, Fields};

use super::error::Error;
use crate::head::FieldSink;

/// Fields of a usual browser request; avoids growing the index.
const USUAL_FIELDS: usize = 16;

/// What is known of a section so far; survives between the parts in which it arrives.
#[derive(Debug, Default)]
pub(super) struct SectionState {
    fields: Fields,
    summary: Summary,
    /// The first rule that a line broke; reported once the section is known to be grammatical.
    error: Option<Error>,
    /// Where folded lines were joined, to be overwritten with spaces.
    folds: Vec<Range<usize>>,
}

/// Takes field lines from the head parser and resolves, on the way, all that the connection acts on.
pub(super) struct Section<'a> {
    bytes: &'a [u8],
    limit: usize,
    state: &'a mut SectionState,
}

/// What the connection acts on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Summary {
    pub(super) framing: Framing,
    pub(super) hosts: u32,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    /// `Upgrade`, named by `Connection` (RFC 9110 §7.8 wants both).
    upgrade_option: bool,
    upgrade_field: bool,
    pub(super) expect_continue: bool,
}

impl Summary {
    /// True when the sender offers to change the protocol.
    pub(super) fn upgrade(&self) -> bool {
        self.upgrade_option && self.upgrade_field
    }

    /// Whether the connection stays open after this message (RFC 9112 §9.3).
    pub(super) fn persists(&self, http10: bool) -> bool {
        !self.close && (!http10 || self.keep_alive)
    }

    /// True when Connection names the option `upgrade`.
    pub(super) fn names_upgrade(&self) -> bool {
        self.upgrade_option
    }

    /// Takes the options of one Connection line; true when it has one that only the application knows.
    pub(super) fn connection(&mut self, value: &[u8]) -> bool {
        let mut others = false;
        for option in value.split(|&byte| byte == b',').map(wirelace_wire::field::trim_ows) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if !option.is_empty() {
                others = true;
                self.upgrade_option |= option.eq_ignore_ascii_case(b"upgrade");
            }
        }
        others
    }

    /// Notes an Upgrade line.
    pub(super) fn upgrade_field(&mut self) {
        self.upgrade_field = true;
    }
}

impl SectionState {
    /// The fields, with `block` as the section they were found in, or the first rule that a line broke. The state
    /// is then that of a new section.
    pub(super) fn finish(&mut self, mut block: BytesMut) -> Result<(Fields, Summary), Error> {
        let summary = core::mem::take(&mut self.summary);
        let mut fields = core::mem::take(&mut self.fields);
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        for fold in self.folds.drain(..) {
            if let Some(bytes) = block.get_mut(fold) {
                bytes.fill(b' ');
            }
        }
        fields.set_block(block.freeze());
        Ok((fields, summary))
    }
}

impl<'a> Section<'a> {
    /// A section of at most `limit` lines found in `bytes`.
    #[inline]
    pub(super) fn new(bytes: &'a [u8], limit: usize, state: &'a mut SectionState) -> Section<'a> {
        if state.fields.capacity() == 0 {
            state.fields = Fields::for_block(USUAL_FIELDS.min(limit));
        }
        Section { bytes, limit, state }
    }

    fn observe(&mut self, id: FieldId, value: &[u8]) -> Result<(), Error> {
        let summary = &mut self.state.summary;
        match id {
            FieldId::CONTENT_LENGTH | FieldId::TRANSFER_ENCODING => summary.framing.observe(id, value)?,
            FieldId::CONNECTION => {
                summary.connection(value);
            }
            FieldId::UPGRADE => summary.upgrade_field(),
            FieldId::HOST => {
                summary.hosts += 1;
                if !is_authority(value) {
                    return Err(Error::HostInvalid);
                }
            }
            FieldId::EXPECT => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Error::Expectation);
                }
                summary.expect_continue = true;
            }
            _ => {}
        }
        Ok(())
    }
}

impl FieldSink for Section<'_> {
    #[inline]
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        if self.state.fields.len() >= self.limit {
            return false;
        }
        let id = FieldId::of(self.bytes.get(name.clone()).unwrap_or_default());
        if id.is_known() {
            let bytes = self.bytes.get(value.clone()).unwrap_or_default();
            if let Err(error) = self.observe(id, bytes) {
                self.state.error.get_or_insert(error);
            }
        }
        self.state.fields.index(id, name, value).is_ok()
    }

    fn folded(&mut self, fold: Range<usize>, more: Range<usize>) -> bool {
        // What was acted on already cannot change its value any more.
        let acted_on =
            |id| matches!(id, FieldId::CONTENT_LENGTH | FieldId::TRANSFER_ENCODING | FieldId::CONNECTION);
        if self.state.fields.iter().next_back().is_none_or(|field| acted_on(field.id)) {
            return false;
        }
        self.state.folds.push(fold);
        more.is_empty() || self.state.fields.extend_last(more)
    }
}
