//! Rust source to tokens: enough to see paths and items, nothing more.

/// One token and the line it stands on (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword, without `r#`.
    Ident(String),
    /// `::`
    PathSep,
    /// Any other punctuation, one character each.
    Punct(char),
    /// A literal or a lifetime: no name in it matters.
    Other,
}

impl Token {
    pub(super) fn is(&self, punct: char) -> bool {
        self.kind == Kind::Punct(punct)
    }

    pub(super) fn ident(&self) -> Option<&str> {
        match &self.kind {
            Kind::Ident(name) => Some(name),
            _ => None,
        }
    }
}

/// Splits source text; comments (doc comments too) and white space vanish.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn advance(&mut self, count: usize) {
        let end = (self.at + count).min(self.bytes.len());
        self.line += self.bytes[self.at..end].iter().filter(|&&byte| byte == b'\n').count();
        self.at = end;
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, line: self.line });
        self.advance(length);
    }

    fn step(&mut self) -> bool {
        if self.at >= self.bytes.len() {
            return false;
        }
        match (self.peek(0), self.peek(1)) {
            (b'/', b'/') => {
                while self.at < self.bytes.len() && self.peek(0) != b'\n' {
                    self.advance(1);
                }
            }
            (b'/', b'*') => self.block_comment(),
            (b'"', _) => self.string(0),
            (b'b' | b'c', b'"') => self.string(1),
            (b'b', b'\'') => self.quoted_char(1),
            (b'\'', _) => self.quote(),
            (b'r', b'"' | b'#') | (b'b' | b'c', b'r') if self.raw_string() => {}
            (b'r', b'#') if is_word(self.peek(2)) => {
                self.advance(2);
                self.word();
            }
            (first, _) if first.is_ascii_digit() => self.number(),
            (first, _) if is_word(first) => self.word(),
            (b':', b':') => self.push(Kind::PathSep, 2),
            (first, _) if first.is_ascii_whitespace() => self.advance(1),
            (first, _) => self.push(Kind::Punct(char::from(first)), 1),
        }
        true
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.advance(2);
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.advance(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.advance(1),
            }
        }
    }

    fn string(&mut self, prefix: usize) {
        let mut length = prefix + 1;
        while self.at + length < self.bytes.len() {
            match self.peek(length) {
                b'\\' => length += 2,
                b'"' => break,
                _ => length += 1,
            }
        }
        self.push(Kind::Other, length + 1);
    }

    /// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`; false when it is something else.
    fn raw_string(&mut self) -> bool {
        let start = if self.peek(0) == b'r' { 1 } else { 2 };
        let mut hashes = 0;
        while self.peek(start + hashes) == b'#' {
            hashes += 1;
        }
        if self.peek(start + hashes) != b'"' {
            return false;
        }
        let mut length = start + hashes + 1;
        while self.at + length < self.bytes.len() {
            let closes = self.peek(length) == b'"' && (0..hashes).all(|i| self.peek(length + 1 + i) == b'#');
            length += 1;
            if closes {
                break;
            }
        }
        self.push(Kind::Other, length + hashes);
        true
    }

    /// A character or a lifetime.
    fn quote(&mut self) {
        let lifetime = is_word(self.peek(1)) && self.peek(1) < 0x80 && self.peek(2) != b'\'';
        if !lifetime {
            return self.quoted_char(0);
        }
        let mut length = 1;
        while is_word(self.peek(length)) {
            length += 1;
        }
        self.push(Kind::Other, length);
    }

    fn quoted_char(&mut self, prefix: usize) {
        let mut length = prefix + 1;
        while self.at + length < self.bytes.len() {
            match self.peek(length) {
                b'\\' => length += 2,
                b'\'' => break,
                _ => length += 1,
            }
        }
        self.push(Kind::Other, length + 1);
    }

    fn number(&mut self) {
        let mut length = 1;
        while is_word(self.peek(length))
            || (self.peek(length) == b'.' && self.peek(length + 1).is_ascii_digit())
        {
            length += 1;
        }
        self.push(Kind::Other, length);
    }

    fn word(&mut self) {
        let mut length = 0;
        while is_word(self.peek(length)) {
            length += 1;
        }
        let name = String::from_utf8_lossy(&self.bytes[self.at..self.at + length]).into_owned();
        self.push(Kind::Ident(name), length);
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idents(text: &str) -> Vec<String> {
        tokens(text).iter().filter_map(|token| token.ident().map(str::to_owned)).collect()
    }

    #[test]
    fn names_in_comments_and_literals_do_not_count() {
        let text = "/// use crate::a;\nfn f<'a>(x: &'a str) { /* crate /* nested */ b */ g(\"crate::c \\\" d\", \
                    'e', b'\\'', r#\"crate::\"h\"#, br\"i\", b\"j\", 0x1fu8, 1.5f32, r#type); }";
        assert_eq!(idents(text), ["fn", "f", "x", "str", "g", "type"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let text = "/* 1\n2 */ a\n\"x\ny\" b // c\nd";
        let lines: Vec<usize> = tokens(text).iter().filter(|t| t.ident().is_some()).map(|t| t.line).collect();
        assert_eq!(lines, [2, 4, 5]);
    }

    #[test]
    fn path_separators_are_one_token() {
        assert_eq!(tokens("a::b:c")[1].kind, Kind::PathSep);
        assert!(tokens("a::b:c")[3].is(':'));
    }
}
