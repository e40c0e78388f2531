//! Structured field values (RFC 9651): items, lists and dictionaries.
//!
//! [`Item::parse`], [`List::parse`] and [`Dictionary::parse`] follow the algorithms of §4.2 to the letter and borrow
//! from the field value what needs no unescaping; their `write` methods follow §4.1 and refuse what has no
//! serialization. A list or dictionary may be spread over several field lines (`parse_lines`).
//!
//! ```
//! use wirelace_http_semantics::structured::{BareItem, Dictionary, Member};
//!
//! let mut priority = Dictionary::parse(b"u=2, i").unwrap();
//! assert_eq!(priority.get("u").and_then(Member::as_integer), Some(2));
//! assert_eq!(priority.get("i").and_then(Member::as_boolean), Some(true));
//!
//! priority.insert("u", Member::from(BareItem::Integer(5)));
//! assert_eq!(priority.serialize().unwrap(), b"u=5, i");
//! ```

mod bare;
mod container;
mod error;
mod keyed;
mod parse;
mod serialize;
mod value;

pub use container::{Dictionary, InnerList, Item, List, Member, Parameters};
pub use error::{Rule, SerializeError, SyntaxError};
pub use keyed::KeyedList;
pub use value::{BareItem, Decimal};
