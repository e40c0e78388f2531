//! Items with parameters, inner lists, lists and dictionaries (RFC 9651 §3).

use alloc::vec::Vec;

use super::keyed::KeyedList;
use super::value::BareItem;

/// The parameters of an item or inner list (§3.1.2). One without a value is true.
pub type Parameters<'a> = KeyedList<'a, BareItem<'a>>;

/// A dictionary (§3.2): members by key.
pub type Dictionary<'a> = KeyedList<'a, Member<'a>>;

/// A value with parameters (§3.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item<'a> {
    /// The value.
    pub value: BareItem<'a>,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

/// A list within a list or dictionary (§3.1.1).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct InnerList<'a> {
    /// Its items.
    pub items: Vec<Item<'a>>,
    /// The parameters of the list itself.
    pub parameters: Parameters<'a>,
}

/// A member of a list or dictionary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Member<'a> {
    /// An item.
    Item(Item<'a>),
    /// An inner list.
    InnerList(InnerList<'a>),
}

/// A list (§3.1).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct List<'a> {
    /// Its members.
    pub members: Vec<Member<'a>>,
}

impl<'a> Member<'a> {
    /// The item, if it is one.
    pub fn as_item(&self) -> Option<&Item<'a>> {
        if let Self::Item(item) = self { Some(item) } else { None }
    }

    /// The inner list, if it is one.
    pub fn as_inner_list(&self) -> Option<&InnerList<'a>> {
        if let Self::InnerList(list) = self { Some(list) } else { None }
    }

    /// The parameters of the item or inner list.
    pub fn parameters(&self) -> &Parameters<'a> {
        match self {
            Self::Item(item) => &item.parameters,
            Self::InnerList(list) => &list.parameters,
        }
    }

    /// The number, if it is an integer (with any parameters).
    pub fn as_integer(&self) -> Option<i64> {
        self.as_item()?.value.as_integer()
    }

    /// The value, if it is a boolean (with any parameters).
    pub fn as_boolean(&self) -> Option<bool> {
        self.as_item()?.value.as_boolean()
    }

    /// The text, if it is a token (with any parameters).
    pub fn as_token(&self) -> Option<&str> {
        self.as_item()?.value.as_token()
    }

    /// The text, if it is a string (with any parameters).
    pub fn as_string(&self) -> Option<&str> {
        self.as_item()?.value.as_string()
    }
}

/// Without parameters.
impl<'a> From<BareItem<'a>> for Item<'a> {
    fn from(value: BareItem<'a>) -> Self {
        Self { value, parameters: Parameters::new() }
    }
}

/// Without parameters.
impl<'a> From<BareItem<'a>> for Member<'a> {
    fn from(value: BareItem<'a>) -> Self {
        Self::Item(value.into())
    }
}

impl<'a> From<Item<'a>> for Member<'a> {
    fn from(item: Item<'a>) -> Self {
        Self::Item(item)
    }
}

impl<'a> From<InnerList<'a>> for Member<'a> {
    fn from(list: InnerList<'a>) -> Self {
        Self::InnerList(list)
    }
}
