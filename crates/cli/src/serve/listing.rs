//! The page that lists a directory without an index.

use std::fmt::Write;

use super::path::percent_decode;
use super::root::{Entry, Kind};

/// Entries shown at most: the page is built in memory.
pub(super) const MAX_ENTRIES: usize = 10_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#16202c;--soft:#5a6878;--line:#dde3ea;--accent:#0d9488}\
@media(prefers-color-scheme:dark){:root{--paper:#0f151c;--card:#171f29;--ink:#e4eaf1;--soft:#93a1b2;--line:#2a3542;--accent:#2dc4b3}}\
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:50rem;margin:0 auto;padding:2rem 1.2rem}\
h1{font-size:1.3rem;overflow-wrap:anywhere}\
ul{list-style:none;margin:0;padding:.4rem;background:var(--card);border:1px solid var(--line);border-radius:12px}\
a{display:block;padding:.35rem .7rem;border-radius:8px;color:var(--accent);text-decoration:none;overflow-wrap:anywhere}\
a:hover{text-decoration:underline}p{color:var(--soft)}";

/// The page for a directory; `path` is the request's, still percent-encoded.
pub(super) fn page(path: &str, entries: &[Entry], more: bool) -> String {
    let title = escape(&String::from_utf8_lossy(&percent_decode(path.as_bytes()).unwrap_or_default()));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n<ul>\n"
    );
    if path != "/" {
        page.push_str("<li><a href=\"../\">../</a>\n");
    }
    for entry in entries {
        let slash = if entry.kind == Kind::Directory { "/" } else { "" };
        let link = percent_encode(entry.name.as_encoded_bytes());
        let name = escape(&entry.name.to_string_lossy());
        // Writing to a String cannot fail.
        let _ = writeln!(page, "<li><a href=\"./{link}{slash}\">{name}{slash}</a>");
    }
    page.push_str("</ul>\n");
    if more {
        let _ = writeln!(page, "<p>The first {MAX_ENTRIES} found; there are more.</p>");
    }
    page.push_str("</main>\n</html>\n");
    page
}

/// For text and for quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for part in text.chars() {
        match part {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            part if part.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            part => escaped.push(part),
        }
    }
    escaped
}

/// All but unreserved characters (RFC 3986 §2.3): nothing of a name can act in a link.
fn percent_encode(name: &[u8]) -> String {
    let mut encoded = String::with_capacity(name.len());
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_act() {
        let names =
            ["<script>alert(1)</script>", "javascript:alert(1)", "\"' onclick=x", "a b?c#d%41", "..\n"];
        let entries: Vec<_> =
            names.iter().map(|name| Entry { name: name.into(), kind: Kind::File }).collect();
        let page = page("/%3Cb%3E/", &entries, false);
        assert!(page.contains("<h1>/&lt;b&gt;/</h1>"));
        assert!(page.contains("<a href=\"./%3Cscript%3Ealert%281%29%3C%2Fscript%3E\">&lt;script&gt;"));
        assert!(page.contains("href=\"./javascript%3Aalert%281%29\""));
        assert!(page.contains("href=\"./a%20b%3Fc%23d%2541\""));
        assert!(!page.contains("<script") && !page.contains("onclick=x\""));
    }

    #[test]
    fn directories_end_with_a_slash() {
        let entries = [Entry { name: "sub".into(), kind: Kind::Directory }];
        let page = page("/", &entries, true);
        assert!(page.contains("<a href=\"./sub/\">sub/</a>") && page.contains("there are more"));
        assert!(!page.contains("../"));
    }
}
