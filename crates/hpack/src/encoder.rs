//! The encoder (RFC 7541 §2, §6).

use alloc::vec::Vec;

use wirelace_wire::prefix_int::write_prefix_int;

use crate::DEFAULT_TABLE_SIZE;
use crate::block::size;
use crate::policy::{Habits, is_secret};
use crate::search::{self, FieldHash, Link, NameHash, Search};
use crate::static_name::StaticName;
use crate::static_table;
use crate::string::write_string;
use crate::table::{Entry, Table};

/// The name of a field to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// One of the static table.
    Static(StaticName),
    /// Any, in lower case.
    Literal(&'a [u8]),
}

impl From<StaticName> for Name<'_> {
    fn from(name: StaticName) -> Self {
        Self::Static(name)
    }
}

impl<'a> From<&'a [u8]> for Name<'a> {
    fn from(name: &'a [u8]) -> Self {
        Self::Literal(name)
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(name: &'a str) -> Self {
        Self::Literal(name.as_bytes())
    }
}

/// Whether a field goes to the dynamic table, where it shortens those to come, and where a peer that can make us
/// encode guesses may find it out by the length of the block (RFC 7541 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Indexing {
    /// As is best for that name; credentials and short cookies never.
    #[default]
    Auto,
    /// It does not.
    Without,
    /// It does not, nor on any later hop (RFC 7541 §6.2.3): for secrets.
    Never,
}

/// Encodes the header blocks of one direction of a connection, in the order in which they are sent.
///
/// Its table is no larger than its own cap, whatever the peer allows; it takes less than four times that of memory,
/// and none before it is used.
#[derive(Debug)]
pub struct Encoder {
    table: Table<Link>,
    search: Search,
    habits: Habits,
    cap: usize,
    /// The size that the table has from the next block on.
    size: usize,
    /// The smallest size since the last block, if the peer has not been told.
    smallest: Option<usize>,
}

impl Encoder {
    /// An encoder whose table has at most `max_table_size` octets, and at most 4096 until the peer allows more.
    #[must_use]
    pub fn new(max_table_size: usize) -> Self {
        let mut encoder = Self {
            table: Table::new(DEFAULT_TABLE_SIZE),
            search: Search::default(),
            habits: Habits::new(),
            cap: max_table_size,
            size: DEFAULT_TABLE_SIZE,
            smallest: None,
        };
        encoder.set_peer_limit(DEFAULT_TABLE_SIZE);
        encoder
    }

    /// What the peer's decoder allows: its SETTINGS_HEADER_TABLE_SIZE, when it arrives. The next block says so to
    /// the peer if the size changes.
    pub fn set_peer_limit(&mut self, limit: usize) {
        let size = self.cap.min(limit);
        if size != self.size || self.smallest.is_some() {
            self.smallest = Some(self.smallest.unwrap_or(usize::MAX).min(size));
            self.size = size;
        }
    }

    /// Begins a block: appends the size updates that are due (RFC 7541 §4.2).
    pub fn start(&mut self, out: &mut Vec<u8>) {
        let Some(smallest) = self.smallest.take() else { return };
        if smallest < self.size {
            self.resize(smallest, out);
        }
        self.resize(self.size, out);
        self.table.shrink();
    }

    fn resize(&mut self, size: usize, out: &mut Vec<u8>) {
        self.table.set_max(size);
        write_prefix_int(out, 5, 0x20, size as u64);
    }

    /// Appends a field. A literal name has to be in lower case and not empty.
    pub fn field(&mut self, out: &mut Vec<u8>, name: Name<'_>, value: &[u8], indexing: Indexing) {
        let (static_name, name) = match name {
            Name::Static(name) => (Some(name), name.as_bytes()),
            Name::Literal(name) => (StaticName::of(name), name),
        };
        let name_hash = search::name_hash(static_name, name);
        if indexing == Indexing::Never || (indexing == Indexing::Auto && is_secret(static_name, value)) {
            self.secret(out, static_name, name, name_hash, value);
            return;
        }
        if let Some(index) = static_name.and_then(|name| static_table::find(name, value)) {
            out.push(0x80 | index);
            return;
        }
        let field_hash = search::field_hash(name_hash, value);
        if let Some(age) = self.search.field(&self.table, field_hash, static_name, name, value, |_| true) {
            self.habits.found(static_name, name_hash.get());
            write_prefix_int(out, 7, 0x80, (static_table::LEN + 1 + age) as u64);
            return;
        }
        self.not_found(out, (static_name, name, name_hash), (value, field_hash), indexing);
    }

    /// A field that no table has, as a literal. Apart, to keep [`field`](Self::field) small.
    #[inline(never)]
    fn not_found(
        &mut self,
        out: &mut Vec<u8>,
        (static_name, name, name_hash): (Option<StaticName>, &[u8], NameHash),
        (value, field_hash): (&[u8], FieldHash),
        indexing: Indexing,
    ) {
        let index = self.name_index(static_name, name_hash, name);
        let size = size(name.len(), value.len());
        // What is nearly as large as the table would leave nothing else in it.
        let insert = indexing == Indexing::Auto
            && self.habits.missed(static_name, name_hash.get(), field_hash.get())
            && size <= self.table.max() / 4 * 3;
        literal(out, if insert { Literal::Incremental } else { Literal::Without }, index, name, value);
        if insert {
            self.insert(static_name, name, value, Link::new(name_hash, field_hash));
        }
    }

    #[inline(never)]
    fn secret(
        &mut self,
        out: &mut Vec<u8>,
        static_name: Option<StaticName>,
        name: &[u8],
        name_hash: NameHash,
        value: &[u8],
    ) {
        let index = self.name_index(static_name, name_hash, name);
        literal(out, Literal::Never, index, name, value);
    }

    fn insert(&mut self, static_name: Option<StaticName>, name: &[u8], value: &[u8], link: Link) {
        let stored = if static_name.is_some() { &[][..] } else { name };
        let entry = Entry {
            start: 0,
            name_len: stored.len() as u32,
            value_len: value.len() as u32,
            size: size(name.len(), value.len()) as u32,
            static_name,
            extra: link,
        };
        self.table.insert(entry, |space| {
            let (name_space, rest) = space.split_at_mut(stored.len().min(space.len()));
            name_space.copy_from_slice(stored);
            if let Some(value_space) = rest.get_mut(..value.len()) {
                value_space.copy_from_slice(value);
            }
        });
        self.search.inserted(&mut self.table);
    }

    /// Index of an entry with that name, of whichever table; 0: none.
    #[inline(always)]
    fn name_index(&self, static_name: Option<StaticName>, hash: NameHash, name: &[u8]) -> usize {
        match static_name {
            Some(name) => usize::from(name.index()),
            None => self
                .search
                .name(&self.table, hash, None, name, |_| true)
                .map_or(0, |age| static_table::LEN + 1 + age),
        }
    }
}

/// How a literal is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Literal {
    Incremental,
    Without,
    Never,
}

/// §6.2.
#[inline(always)]
fn literal(out: &mut Vec<u8>, how: Literal, index: usize, name: &[u8], value: &[u8]) {
    let (prefix, flags) = match how {
        Literal::Incremental => (6, 0x40),
        Literal::Without => (4, 0),
        Literal::Never => (4, 0x10),
    };
    write_prefix_int(out, prefix, flags, index as u64);
    if index == 0 {
        write_string(out, 7, 0, name);
    }
    write_string(out, 7, 0, value);
}
