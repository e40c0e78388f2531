//! Parsing items, lists and dictionaries (RFC 9651 §4.2).

use alloc::vec::Vec;

use super::bare::{bare_item, error, key};
use super::container::{Dictionary, InnerList, Item, List, Member, Parameters};
use super::error::{Rule, SyntaxError};
use super::keyed::Builder;
use super::value::BareItem;
use crate::cursor::Cursor;

impl<'a> Item<'a> {
    /// Reads the value of a field that is an item (§4.2.3). Such a field cannot have a second line.
    ///
    /// # Errors
    /// The value is not exactly one item.
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(value);
        cursor.skip_spaces();
        let item = item(&mut cursor)?;
        cursor.skip_spaces();
        if cursor.is_empty() { Ok(item) } else { Err(error(&cursor, Rule::Trailing)) }
    }
}

impl<'a> List<'a> {
    /// Reads the value of a field that is a list (§4.2.1); an empty value is an empty list.
    ///
    /// # Errors
    /// The value is not a list.
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        Self::parse_lines([value])
    }

    /// Reads a list from all lines of a field, in order. No line at all is an empty list.
    ///
    /// # Errors
    /// The lines do not make a list. A member that begins in one line and ends in the next is refused (§4.2 leaves
    /// that open).
    pub fn parse_lines(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, SyntaxError> {
        let mut members = Vec::new();
        each_member(lines, |cursor| {
            members.push(item_or_inner_list(cursor)?);
            Ok(())
        })?;
        Ok(Self { members })
    }
}

impl<'a> Dictionary<'a> {
    /// Reads the value of a field that is a dictionary (§4.2.2); an empty value is an empty dictionary. If a key
    /// comes twice, the last value counts.
    ///
    /// # Errors
    /// The value is not a dictionary.
    pub fn parse(value: &'a [u8]) -> Result<Self, SyntaxError> {
        Self::parse_lines([value])
    }

    /// Reads a dictionary from all lines of a field, in order. No line at all is an empty dictionary.
    ///
    /// # Errors
    /// The lines do not make a dictionary. A member that begins in one line and ends in the next is refused (§4.2
    /// leaves that open).
    pub fn parse_lines(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, SyntaxError> {
        let mut members = Builder::new();
        each_member(lines, |cursor| {
            let key = key(cursor)?;
            let member = if cursor.eat(b'=') {
                item_or_inner_list(cursor)?
            } else {
                Member::Item(Item { value: BareItem::Boolean(true), parameters: parameters(cursor)? })
            };
            members.insert(key, member);
            Ok(())
        })?;
        Ok(members.finish())
    }
}

/// Calls `member` at the beginning of each member of a list or dictionary. The end of a line separates like a comma
/// (§4.2: several lines are joined with one).
fn each_member<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    mut member: impl FnMut(&mut Cursor<'a>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    let mut first_is_empty = false;
    for (line, value) in lines.into_iter().enumerate() {
        let mut cursor = Cursor::new(value);
        if line == 0 {
            cursor.skip_spaces();
            // Alone it is an empty list; with more lines, an empty member.
            first_is_empty = cursor.is_empty();
            if first_is_empty {
                continue;
            }
        } else if first_is_empty {
            return Err(SyntaxError { rule: Rule::EmptyMember, line: 0, offset: 0 });
        } else {
            cursor.skip_ows();
        }
        members_of_line(&mut cursor, &mut member).map_err(|error| SyntaxError { line, ..error })?;
    }
    Ok(())
}

fn members_of_line<'a>(
    cursor: &mut Cursor<'a>,
    member: &mut impl FnMut(&mut Cursor<'a>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    loop {
        if cursor.is_empty() {
            return Err(error(cursor, Rule::EmptyMember));
        }
        member(cursor)?;
        cursor.skip_ows();
        if cursor.is_empty() {
            return Ok(());
        }
        if !cursor.eat(b',') {
            return Err(error(cursor, Rule::Separator));
        }
        cursor.skip_ows();
    }
}

/// §4.2.1.1.
fn item_or_inner_list<'a>(cursor: &mut Cursor<'a>) -> Result<Member<'a>, SyntaxError> {
    if cursor.peek() == Some(b'(') {
        inner_list(cursor).map(Member::InnerList)
    } else {
        item(cursor).map(Member::Item)
    }
}

/// §4.2.1.2.
fn inner_list<'a>(cursor: &mut Cursor<'a>) -> Result<InnerList<'a>, SyntaxError> {
    cursor.next();
    let mut items = Vec::new();
    loop {
        cursor.skip_spaces();
        if cursor.eat(b')') {
            return Ok(InnerList { items, parameters: parameters(cursor)? });
        }
        if cursor.is_empty() {
            return Err(error(cursor, Rule::InnerList));
        }
        items.push(item(cursor)?);
        if !matches!(cursor.peek(), Some(b' ' | b')')) {
            return Err(error(cursor, Rule::InnerList));
        }
    }
}

/// §4.2.3.
fn item<'a>(cursor: &mut Cursor<'a>) -> Result<Item<'a>, SyntaxError> {
    Ok(Item { value: bare_item(cursor)?, parameters: parameters(cursor)? })
}

/// §4.2.3.2.
fn parameters<'a>(cursor: &mut Cursor<'a>) -> Result<Parameters<'a>, SyntaxError> {
    let mut parameters = Builder::new();
    while cursor.eat(b';') {
        cursor.skip_spaces();
        let key = key(cursor)?;
        let value = if cursor.eat(b'=') { bare_item(cursor)? } else { BareItem::Boolean(true) };
        parameters.insert(key, value);
    }
    Ok(parameters.finish())
}
