//! The entries of ORIGIN (RFC 8336 §2).

/// The origins of one frame. An entry that is cut ends the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origins<'a>(&'a [u8]);

impl<'a> Origins<'a> {
    /// The origins of a payload.
    #[must_use]
    pub fn new(payload: &'a [u8]) -> Origins<'a> {
        Origins(payload)
    }

    /// The origins in their order, each in ASCII form as it came.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (origin, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = after;
            Some(origin)
        })
    }

    /// The entries as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}
