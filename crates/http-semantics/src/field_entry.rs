//! One line of the index of a field list.

use crate::field_id::FieldId;

/// Where one field line lies in the block: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) name_start: u32,
    pub(crate) value_start: u32,
    pub(crate) value_len: u32,
    /// 0: the name is that of `id`.
    pub(crate) name_len: u16,
    pub(crate) id: FieldId,
    pub(crate) flags: u8,
}
