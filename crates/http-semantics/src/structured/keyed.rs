//! Ordered maps: parameters and dictionaries (RFC 9651 §3.1.2, §3.2).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// From how many entries on the keys are indexed while they are parsed. Below it, looking through them is faster;
/// above, a long list of keys must not cost its square.
const INDEXED: usize = 16;

/// Values by key, in the order in which the keys first came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyedList<'a, V> {
    entries: Vec<(Cow<'a, str>, V)>,
}

impl<V> Default for KeyedList<'_, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<'a, V> KeyedList<'a, V> {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.entries.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// Sets the value of `key`, which stays where it is or is added at the end. Whether it is a valid key is checked
    /// when it is written.
    pub fn insert(&mut self, key: impl Into<Cow<'a, str>>, value: V) {
        let key = key.into();
        match self.entries.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        let position = self.entries.iter().position(|(other, _)| other == key)?;
        Some(self.entries.remove(position).1)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &V)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

impl<'a, V, K: Into<Cow<'a, str>>> FromIterator<(K, V)> for KeyedList<'a, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut list = Self::new();
        for (key, value) in entries {
            list.insert(key, value);
        }
        list
    }
}

/// Takes entries as they are parsed.
pub(super) struct Builder<'a, V> {
    list: KeyedList<'a, V>,
    index: BTreeMap<&'a str, usize>,
}

impl<'a, V> Builder<'a, V> {
    pub(super) fn new() -> Self {
        Self { list: KeyedList::new(), index: BTreeMap::new() }
    }

    /// RFC 9651 §4.2.2, §4.2.3.2: the last value of a key counts, its first place stays.
    pub(super) fn insert(&mut self, key: &'a str, value: V) {
        let entries = &mut self.list.entries;
        let known = if self.index.is_empty() {
            entries.iter().position(|(other, _)| other == key)
        } else {
            self.index.get(key).copied()
        };
        if let Some((_, old)) = known.and_then(|position| entries.get_mut(position)) {
            *old = value;
            return;
        }
        if !self.index.is_empty() {
            self.index.insert(key, entries.len());
        }
        entries.push((Cow::Borrowed(key), value));
        if self.index.is_empty() && entries.len() >= INDEXED {
            for (position, (key, _)) in entries.iter().enumerate() {
                if let Cow::Borrowed(key) = key {
                    self.index.insert(key, position);
                }
            }
        }
    }

    pub(super) fn finish(self) -> KeyedList<'a, V> {
        self.list
    }
}
