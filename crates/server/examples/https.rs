//! HTTPS with a certificate from two PEM files, and an address in the clear that sends everyone there:
//!
//! ```sh
//! mkcert -cert-file localhost.pem -key-file localhost.key localhost
//! cargo run -p wirelace-server --features tls --example https -- \
//!     127.0.0.1:8443 localhost.pem localhost.key 127.0.0.1:8080
//! ```
//!
//! The certificate is read again each time that Enter is pressed; the end of input (Ctrl-D) ends it.

use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use wirelace_server::{HstsPolicy, Request, Response, Server};
use wirelace_tls_glue::{CertificateStore, Identity, ServerTls};

async fn hello(request: Request) -> Response {
    let path = request.head.path();
    Response::from(match request.tls() {
        Some(tls) => format!("hello, {path} over {} with {}\n", tls.version, tls.cipher_suite),
        None => format!("hello, {path}\n"),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, key, plain @ ..] = &arguments[..] else {
        return Err("usage: https ADDR CERTIFICATE KEY [PLAIN_ADDR]".into());
    };
    // The error says which file cannot be used, and why.
    let read = || Identity::from_pem_files(Path::new(certificate), Path::new(key));
    let store = CertificateStore::new(vec![read()?]);
    let tls = ServerTls::builder(store.clone()).build()?;
    // Browsers remember it, and take no plain HTTP from this name for so many seconds: a minute is enough to try it.
    let mut server = Server::builder(hello).tls(tls).hsts(HstsPolicy::new(60)).bind(address.parse()?)?;
    eprintln!("listening https {}", server.local_addr());
    if let [plain, ..] = plain {
        let plain = server.also_bind_redirect(plain.parse()?, server.local_addr().port())?;
        eprintln!("listening http {plain}");
    }

    let until_the_end_of_input = async {
        let mut lines = BufReader::new(stdin()).lines();
        while let Ok(Some(_)) = lines.next_line().await {
            match read() {
                Ok(identity) => store.replace(vec![identity]),
                Err(error) => eprintln!("{error}; the old one stays"),
            }
        }
    };
    // Connections then have some seconds to finish what runs.
    Ok(server.run(until_the_end_of_input).await?)
}
