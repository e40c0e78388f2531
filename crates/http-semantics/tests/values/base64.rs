use proptest::prelude::*;
use wirelace_http_semantics::base64::{decode, encode};

fn encoded(data: &[u8]) -> String {
    let mut out = Vec::new();
    encode(data, &mut out);
    String::from_utf8(out).unwrap()
}

/// RFC 4648 §10.
#[test]
fn vectors() {
    for (data, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(encoded(data.as_bytes()), text);
        assert_eq!(decode(text.as_bytes()).as_deref(), Some(data.as_bytes()));
        assert_eq!(decode(text.trim_end_matches('=').as_bytes()).as_deref(), Some(data.as_bytes()));
    }
    assert_eq!(decode(b"iZ==").as_deref(), Some(&[0x89][..]));
    for bad in [
        "=", "==", "===", "====", "A", "A===", "Zg=", "Z=g=", "=Zg=", "Zg==Zg==", "Zm9v====", "Zm9v=",
        "Zm 9", "Zm9-", "Zm9_", "Zg\n=", "Zä",
    ] {
        assert_eq!(decode(bad.as_bytes()), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn round_trip(data: Vec<u8>) {
        let text = encoded(&data);
        prop_assert_eq!(text.len(), data.len().div_ceil(3) * 4);
        prop_assert_eq!(decode(text.as_bytes()), Some(data.clone()));
        prop_assert_eq!(decode(text.trim_end_matches('=').as_bytes()), Some(data));
    }
}
