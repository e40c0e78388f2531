//! Exchanges by their streams.

use wirelace_http_semantics::StreamId;

/// A map that stays small in memory and quick in its usual case: new keys are larger than all before.
pub(crate) struct Table<T> {
    /// In the order of the keys: where the value is.
    index: Vec<(StreamId, usize)>,
    places: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Table<T> {
    pub(crate) fn new() -> Table<T> {
        Table { index: Vec::new(), places: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// A value that was there under this key is replaced.
    pub(crate) fn insert(&mut self, key: StreamId, value: T) {
        match self.index.binary_search_by_key(&key, |entry| entry.0) {
            Ok(at) => {
                if let Some(place) = self.index.get(at).and_then(|entry| self.places.get_mut(entry.1)) {
                    *place = Some(value);
                }
            }
            Err(at) => {
                let place = self.free.pop().unwrap_or(self.places.len());
                match self.places.get_mut(place) {
                    Some(free) => *free = Some(value),
                    None => self.places.push(Some(value)),
                }
                self.index.insert(at, (key, place));
            }
        }
    }

    fn find(&self, key: StreamId) -> Option<usize> {
        self.index.binary_search_by_key(&key, |entry| entry.0).ok()
    }

    pub(crate) fn get_mut(&mut self, key: StreamId) -> Option<&mut T> {
        let place = self.index.get(self.find(key)?)?.1;
        self.places.get_mut(place)?.as_mut()
    }

    pub(crate) fn remove(&mut self, key: StreamId) -> Option<T> {
        let (_, place) = self.index.remove(self.find(key)?);
        self.free.push(place);
        self.places.get_mut(place)?.take()
    }

    /// The keys in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.index.iter().map(|entry| entry.0)
    }

    /// Takes all out, in the order of the keys.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.free.clear();
        let mut places = std::mem::take(&mut self.places);
        self.index.drain(..).filter_map(move |(_, place)| places.get_mut(place)?.take())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map() {
        let (mut table, mut model) = (Table::new(), BTreeMap::new());
        let mut seed = 1u64;
        for step in 0..4000u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = StreamId((seed >> 33) % 64);
            match (seed >> 61) % 3 {
                0 => {
                    table.insert(key, step);
                    model.insert(key, step);
                }
                1 => assert_eq!(table.remove(key), model.remove(&key)),
                _ => assert_eq!(table.get_mut(key), model.get_mut(&key)),
            }
            assert_eq!(table.len(), model.len());
        }
        assert!(table.places.len() <= 64, "places are used again");
        assert_eq!(table.keys().collect::<Vec<_>>(), model.keys().copied().collect::<Vec<_>>());
        assert_eq!(table.drain().collect::<Vec<_>>(), model.into_values().collect::<Vec<_>>());
        assert!(table.is_empty());
        table.insert(StreamId(1), 1);
        assert_eq!(table.remove(StreamId(1)), Some(1));
    }
}
