//! `wirelace serve DIR` over raw TCP.

mod common;

use common::{Scratch, Server, find, run_text};

const SECRET: &str = "secret: outside";

fn fill(scratch: &Scratch) {
    scratch.write("secret.txt", SECRET);
    scratch.write("public-not/secret.txt", SECRET);
    for (name, data) in [
        ("index.html", "<title>top</title>"),
        ("text.txt", "0123456789"),
        ("empty", ""),
        ("a b&<c>.txt", "odd"),
        ("sub/index.html", "<title>sub</title>"),
        ("bare/<script>.txt", "1"),
        ("bare/deep/file", "2"),
        ("packed.css", "body { color: red }"),
        ("packed.css.gz", "not really gzip"),
        ("packed.css.br", "nor brotli"),
    ] {
        scratch.write(&format!("public/{name}"), data);
    }
    scratch.write("public/large", vec![7; 1_000_000]);
}

fn serve(scratch: &Scratch) -> Server {
    Server::start(&["serve", scratch.0.join("public").to_str().unwrap(), "--workers", "1"])
}

#[test]
fn files() {
    let scratch = Scratch::new("files");
    fill(&scratch);
    let server = serve(&scratch);
    let text = server.get("/text.txt?query");
    assert_eq!((text.status, text.text()), (200, "0123456789"));
    assert_eq!(text.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(text.field("content-length"), Some("10"));
    assert_eq!(text.field("accept-ranges"), Some("bytes"));
    assert_eq!(text.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(text.field("vary"), None);
    let head = server.request("HEAD", "/text.txt", &[]);
    assert_eq!((head.field("content-length"), head.field("etag")), (Some("10"), text.field("etag")));
    assert_eq!(head.body.len(), 0);
    assert_eq!(server.get("/empty").body.len(), 0);
    assert_eq!(server.get("/a%20b%26%3Cc%3E.txt").text(), "odd");
    assert!(server.get("/large").body == vec![7; 1_000_000]);
    let missing = server.get("/missing");
    assert_eq!((missing.status, missing.text()), (404, "not found\n"));
    assert_eq!(server.get("/text.txt/").status, 404);
    assert_eq!(server.get("/text.txt/x").status, 404);
    assert_eq!(server.get(&format!("/{}", "n".repeat(300))).status, 404);
    for method in ["POST", "PUT", "DELETE", "TRACE"] {
        let denied = server.request(method, "/text.txt", &[]);
        assert_eq!((denied.status, denied.field("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
    assert_eq!(server.request("OPTIONS", "/text.txt", &[]).status, 204);
}

#[test]
fn ranges_and_conditions() {
    let scratch = Scratch::new("ranges");
    fill(&scratch);
    let server = serve(&scratch);
    let range = server.request("GET", "/text.txt", &["Range: bytes=2-4"]);
    assert_eq!((range.status, range.text()), (206, "234"));
    assert_eq!(range.field("content-range"), Some("bytes 2-4/10"));
    assert_eq!(server.request("GET", "/text.txt", &["Range: bytes=10-"]).status, 416);
    let several = server.request("GET", "/large", &["Range: bytes=0-199999,800000-"]);
    assert_eq!(several.status, 206);
    assert!(several.field("content-type").unwrap().starts_with("multipart/byteranges"));
    assert_eq!(several.field("content-length"), Some(several.body.len().to_string().as_str()));
    let etag = range.field("etag").unwrap();
    assert_eq!(server.request("GET", "/text.txt", &[&format!("If-None-Match: {etag}")]).status, 304);
    assert_eq!(server.request("GET", "/text.txt", &["If-Match: \"x\""]).status, 412);
    let modified = range.field("last-modified").unwrap();
    assert_eq!(server.request("GET", "/text.txt", &[&format!("If-Modified-Since: {modified}")]).status, 304);
    let partial = [&format!("If-Range: {etag}"), "Range: bytes=0-0"];
    assert_eq!(server.request("GET", "/text.txt", &partial).status, 206);
    scratch.write("public/text.txt", "changed...");
    assert_eq!(server.request("GET", "/text.txt", &partial).status, 200);
}

#[test]
fn directories() {
    let scratch = Scratch::new("directories");
    fill(&scratch);
    let server = serve(&scratch);
    assert_eq!(server.get("/").text(), "<title>top</title>");
    assert_eq!(server.get("/sub/").text(), "<title>sub</title>");
    let moved = server.get("/sub?q=1");
    assert_eq!((moved.status, moved.field("location")), (301, Some("/sub/?q=1")));
    let absolute = server.get("http://elsewhere.example/sub");
    assert_eq!((absolute.status, absolute.field("location")), (301, Some("/sub/")));
    // A redirect to `//sub/` would lead to another host.
    assert_eq!(server.get("//sub").status, 404);
    let listing = server.get("/bare/");
    assert_eq!(listing.field("content-type"), Some("text/html; charset=utf-8"));
    assert!(listing.text().contains("<a href=\"./deep/\">deep/</a>"));
    assert!(listing.text().contains("<a href=\"./%3Cscript%3E.txt\">&lt;script&gt;.txt</a>"));
    assert!(!listing.text().contains("<script>"));
}

#[test]
fn packed_siblings() {
    let scratch = Scratch::new("packed");
    fill(&scratch);
    let server = serve(&scratch);
    let plain = server.get("/packed.css");
    assert_eq!((plain.text(), plain.field("content-encoding")), ("body { color: red }", None));
    assert_eq!(plain.field("vary"), Some("Accept-Encoding"));
    for (accept, coding, body) in [
        ("gzip, br", Some("br"), "nor brotli"),
        ("gzip;q=1, br;q=0.5", Some("gzip"), "not really gzip"),
        ("gzip;q=0, br;q=0", None, "body { color: red }"),
        ("identity;q=0, deflate", None, "body { color: red }"),
    ] {
        let answer = server.request("GET", "/packed.css", &[&format!("Accept-Encoding: {accept}")]);
        assert_eq!((answer.field("content-encoding"), answer.text()), (coding, body), "{accept}");
        assert_eq!(answer.field("content-type"), Some("text/css; charset=utf-8"));
        assert_eq!(answer.field("vary"), Some("Accept-Encoding"));
        assert_eq!(answer.field("etag") == plain.field("etag"), coding.is_none());
    }
}

#[cfg(unix)]
#[test]
fn nothing_leaves_the_directory() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new("outside");
    fill(&scratch);
    let public = scratch.0.join("public");
    symlink("../secret.txt", public.join("link")).unwrap();
    symlink(scratch.0.join("secret.txt"), public.join("absolute")).unwrap();
    symlink("..", public.join("up")).unwrap();
    symlink("../secret.txt", public.join("text.txt.gz")).unwrap();
    symlink("../../secret.txt", public.join("bare/index.html")).unwrap();
    symlink("text.txt", public.join("inside")).unwrap();
    let server = serve(&scratch);
    assert_eq!(server.get("/inside").text(), "0123456789");
    for path in [
        "/link",
        "/absolute",
        "/up/",
        "/up/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/sub/../../secret.txt",
        "/%252e%252e/secret.txt",
        "/../public-not/secret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/text.txt%00",
        "http://test/../secret.txt",
    ] {
        let answer = server.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(find(&answer.body, SECRET.as_bytes()).is_none(), "{path}");
    }
    let packed = server.request("GET", "/text.txt", &["Accept-Encoding: gzip"]);
    assert_eq!((packed.field("content-encoding"), packed.text()), (None, "0123456789"));
    // An index that leads out is none: the listing is shown.
    assert!(server.get("/bare/").text().contains("deep/"));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_found() {
    let scratch = Scratch::new("kinds");
    fill(&scratch);
    let pipe = scratch.0.join("public/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let server = serve(&scratch);
    assert_eq!(server.get("/pipe").status, 404);
}

#[test]
fn wrong_directories_are_wrong_usage() {
    let scratch = Scratch::new("usage");
    let file = scratch.write("file", "");
    for directory in [format!("{}/nothing", scratch.path()), file] {
        let (code, _, err) = run_text(&["serve", &directory, "--plain", "127.0.0.1:0"]);
        assert_eq!((code, err.lines().count()), (Some(2), 1), "{err}");
    }
}
