//! The border to the `http` crate's header map.

use http::{HeaderMap, HeaderName, HeaderValue};
use wirelace_wire::field::trim_ows;

use crate::field_id::FieldId;
use crate::field_index::Block;
use crate::fields::{FieldError, Fields};

impl Fields {
    /// A header map with the same lines; values share the received block.
    #[must_use]
    pub fn to_header_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.len());
        self.extend_header_map(&mut map);
        map
    }

    /// Adds the lines to a header map; values share the received block.
    pub fn extend_header_map(&self, map: &mut HeaderMap) {
        for field in self.iter() {
            let name = match field.id.header_name() {
                Some(name) => name.clone(),
                None => match HeaderName::from_bytes(field.name) {
                    Ok(name) => name,
                    Err(_) => continue,
                },
            };
            let value = match &self.block {
                Block::Shared(block) => HeaderValue::from_maybe_shared(block.slice_ref(field.value)),
                Block::Owned(_) => HeaderValue::from_bytes(field.value),
            };
            if let Ok(mut value) = value {
                value.set_sensitive(field.sensitive);
                map.append(name, value);
            }
        }
    }

    /// The lines of a header map.
    ///
    /// # Errors
    /// Names and values together pass 2 GiB.
    pub fn from_header_map(map: &HeaderMap) -> Result<Fields, FieldError> {
        let mut fields = Fields::new();
        fields.extend_from_header_map(map)?;
        Ok(fields)
    }

    /// Adds the lines of a header map at the end.
    ///
    /// # Errors
    /// Names and values together pass 2 GiB.
    pub fn extend_from_header_map(&mut self, map: &HeaderMap) -> Result<(), FieldError> {
        let bytes = map.iter().map(|(_, value)| value.len()).sum();
        self.block = Block::Owned(core::mem::take(&mut self.block).into_owned(bytes));
        self.entries.reserve(map.len() + 2); // Date and Content-Length often follow.
        for (name, value) in map {
            let name = name.as_str().as_bytes();
            let id = FieldId::of(name);
            // The types of the `http` crate vouch for all but white space at the ends. Their names are in
            // lower case, so that a well-known one needs no bytes.
            let name = if id.is_known() { &[][..] } else { name };
            self.append(id, name, trim_ows(value.as_bytes()))?;
            if value.is_sensitive() {
                self.mark_last_sensitive();
            }
        }
        Ok(())
    }
}
