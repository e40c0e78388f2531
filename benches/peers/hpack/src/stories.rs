//! The stories: header blocks that belong to one connection, in order.

use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

/// A block, as nghttp2 has encoded it, and what is in it.
pub struct Block {
    /// Encoded.
    pub wire: Vec<u8>,
    /// Names and values.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Block {
    /// Octets of names and values.
    pub fn raw(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The blocks of one connection.
pub type Story = Vec<Block>;

/// The stories of that file.
pub fn load(folder: &str, name: &str) -> Vec<Story> {
    let path = Path::new(folder).join(format!("{name}.json.gz"));
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("a gzip file");
    let all: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("a file of stories");
    all.values().map(|story| cases(story).iter().map(block).collect()).collect()
}

fn cases(story: &Value) -> &[Value] {
    story["cases"].as_array().expect("a story has cases")
}

fn block(case: &Value) -> Block {
    let wire = case["wire"].as_str().expect("a case has a wire").as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16).expect("hexadecimal") as u8;
    let fields = case["headers"].as_array().expect("a case has headers");
    let field = |field: &Value| {
        let (name, value) = field.as_object().and_then(|field| field.iter().next()).expect("a header");
        (name.clone().into_bytes(), value.as_str().expect("a text").as_bytes().to_vec())
    };
    Block {
        wire: wire.chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect(),
        fields: fields.iter().map(field).collect(),
    }
}
