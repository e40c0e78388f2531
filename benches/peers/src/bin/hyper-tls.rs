//! hyper over tokio-rustls: `hyper-tls ADDR [CERTIFICATE KEY [tickets]]`; in the clear without a certificate.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let certificate = match &arguments[..] {
        [chain, key, ..] => Some((Path::new(chain), Path::new(key))),
        _ => None,
    };
    wirelace_peers::hyper_tls::run(certificate, arguments.get(2).is_some_and(|word| word == "tickets"))
}
