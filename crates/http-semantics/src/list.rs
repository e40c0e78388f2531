//! Comma-separated lists (RFC 9110 §5.6.1) whose elements may contain quoted strings.

/// The elements of one line of a list field, in order: without the whitespace around them, without empty ones. A
/// comma within a quoted string does not separate; a string that is never closed reaches to the end of the line.
///
/// ```
/// let line = br#"foo;a="1,2" ,,bar"#;
/// let elements: Vec<&[u8]> = wirelace_http_semantics::list::Elements::new(line).collect();
/// assert_eq!(elements, [&br#"foo;a="1,2""#[..], b"bar"]);
/// ```
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The elements of `line`.
    pub fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = end_of_element(self.rest);
            let (element, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
            self.rest = rest.split_first().map_or(&[], |(_, rest)| rest);
            let element = wirelace_wire::field::trim_ows(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

fn end_of_element(line: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (position, &byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return position,
            _ => {}
        }
    }
    line.len()
}
