//! Fields to blocks (RFC 7541 §6).

use alloc::vec::Vec;

use wirelace_wire::prefix_int::write_prefix_int;

use crate::huffman;
use crate::index::{Hashes, Index, hash};
use crate::static_name::StaticName;
use crate::static_table;
use crate::table::{OVERHEAD, Table};

/// The name of a field to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// One of the static table.
    Static(StaticName),
    /// Any, in lower case.
    Literal(&'a [u8]),
}

impl From<StaticName> for Name<'_> {
    fn from(name: StaticName) -> Self {
        Name::Static(name)
    }
}

impl<'a> From<&'a [u8]> for Name<'a> {
    fn from(name: &'a [u8]) -> Self {
        Name::Literal(name)
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(name: &'a str) -> Self {
        Name::Literal(name.as_bytes())
    }
}

/// What becomes of a field beside its being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Indexing {
    /// As is best for the name and the size: see [`Encoder::field`].
    #[default]
    Auto,
    /// Not inserted into the table.
    Without,
    /// Not inserted, and whoever sends it on must not do so either (RFC 7541 §6.2.3, §7.1.3).
    Never,
}

/// Encodes the blocks of one direction of a connection.
#[derive(Debug)]
pub struct Encoder {
    table: Table,
    index: Index,
    /// This side's own cap.
    cap: usize,
    /// The smallest size since the last block, and the last one (RFC 7541 §4.2).
    updates: Option<(usize, usize)>,
}

/// SETTINGS_HEADER_TABLE_SIZE where nothing was said (RFC 9113 §6.5.2).
const DEFAULT_SIZE: usize = 4096;

impl Encoder {
    /// An encoder with a table of at most `max_table_size` octets, whatever more the peer allows.
    #[must_use]
    pub fn new(max_table_size: usize) -> Encoder {
        let size = max_table_size.min(DEFAULT_SIZE);
        Encoder {
            table: Table::new(size),
            index: Index::new(max_table_size),
            cap: max_table_size,
            // The peer starts with the default size and has to know a smaller one.
            updates: (size < DEFAULT_SIZE).then_some((size, size)),
        }
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE. The next block tells it what is used of it.
    pub fn set_peer_limit(&mut self, limit: usize) {
        let size = limit.min(self.cap);
        if size == self.table.max_size() && self.updates.is_none() {
            return;
        }
        self.table.set_max_size(size);
        self.index.evicted(&self.table);
        let smallest = self.updates.map_or(size, |(smallest, _)| smallest.min(size));
        self.updates = Some((smallest, size));
    }

    /// Begins a block.
    #[inline]
    pub fn start(&mut self, out: &mut Vec<u8>) {
        if let Some((smallest, last)) = self.updates.take() {
            if smallest < last {
                write_prefix_int(out, 5, 0x20, smallest as u64);
            }
            write_prefix_int(out, 5, 0x20, last as u64);
        }
    }

    /// Appends a field to the block.
    ///
    /// With [`Indexing::Auto`], what changes with nearly every message is not inserted into the table, nor what would
    /// fill most of it; Authorization, Proxy-Authorization and short cookies are never indexed: whoever can make the
    /// peer send guesses could find them by the size of what is sent (RFC 7541 §7.1).
    #[inline]
    pub fn field(&mut self, out: &mut Vec<u8>, name: Name<'_>, value: &[u8], indexing: Indexing) {
        let (static_name, name) = match name {
            Name::Static(name) => (Some(name), name.as_bytes()),
            Name::Literal(name) => (StaticName::of(name), name),
        };
        let indexing = match indexing {
            Indexing::Auto => self.policy(static_name, name.len(), value),
            other => other,
        };
        if indexing == Indexing::Never {
            return self.literal(out, 4, 0x10, static_name, name, None, value);
        }
        if let Some(static_name) = static_name
            && let Some(index) = static_table::find(static_name.index(), value)
        {
            out.push(0x80 | index);
            return;
        }
        let name_hash = match static_name {
            Some(name) => u64::from(name.index()),
            None => hash(0, name),
        };
        let hashes = Hashes { name: name_hash, field: hash(name_hash, value) };
        if let Some(age) = self.index.field(&self.table, hashes.field, static_name, name, value) {
            write_prefix_int(out, 7, 0x80, (static_table::LEN + 1 + age) as u64);
            return;
        }
        if indexing == Indexing::Without {
            return self.literal(out, 4, 0, static_name, name, Some(name_hash), value);
        }
        self.literal(out, 6, 0x40, static_name, name, Some(name_hash), value);
        if self.table.insert(static_name, name, value) {
            self.index.inserted(&self.table, hashes);
        } else {
            self.index.evicted(&self.table);
        }
    }

    #[inline]
    fn policy(&self, static_name: Option<StaticName>, name_len: usize, value: &[u8]) -> Indexing {
        match static_name {
            Some(StaticName::AUTHORIZATION | StaticName::PROXY_AUTHORIZATION) => return Indexing::Never,
            Some(StaticName::COOKIE) if value.len() < 20 => return Indexing::Never,
            Some(
                StaticName::PATH
                | StaticName::AGE
                | StaticName::CONTENT_LENGTH
                | StaticName::ETAG
                | StaticName::IF_MODIFIED_SINCE
                | StaticName::IF_NONE_MATCH
                | StaticName::LOCATION
                | StaticName::SET_COOKIE,
            ) => return Indexing::Without,
            _ => {}
        }
        if name_len + value.len() + OVERHEAD > self.table.max_size() / 4 * 3 {
            Indexing::Without
        } else {
            Indexing::Auto
        }
    }

    #[inline]
    #[allow(clippy::too_many_arguments)] // All of one representation.
    fn literal(
        &self,
        out: &mut Vec<u8>,
        prefix: u32,
        pattern: u8,
        static_name: Option<StaticName>,
        name: &[u8],
        name_hash: Option<u64>,
        value: &[u8],
    ) {
        let known = match static_name {
            Some(name) => Some(usize::from(name.index())),
            None => {
                let hash = name_hash.unwrap_or_else(|| hash(0, name));
                self.index.name(&self.table, hash, name).map(|age| static_table::LEN + 1 + age)
            }
        };
        match known {
            Some(index) => write_prefix_int(out, prefix, pattern, index as u64),
            None => {
                out.push(pattern);
                string(out, name);
            }
        }
        string(out, value);
    }
}

/// Appends a string literal, coded where that is shorter (RFC 7541 §5.2).
#[inline]
fn string(out: &mut Vec<u8>, text: &[u8]) {
    let coded = huffman::encoded_len(text);
    if coded < text.len() {
        write_prefix_int(out, 7, 0x80, coded as u64);
        huffman::encode(text, out);
    } else {
        write_prefix_int(out, 7, 0, text.len() as u64);
        out.extend_from_slice(text);
    }
}
