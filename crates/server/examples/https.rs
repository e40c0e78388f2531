//! HTTPS with a certificate from two PEM files: `https ADDR CERTIFICATE KEY`.

use std::path::Path;

use wirelace_server::{Request, Response, Server};
use wirelace_tls_glue::{CertificateStore, Identity, ServerTls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, key] = &arguments[..] else {
        return Err("usage: https ADDR CERTIFICATE KEY".into());
    };
    let identity = Identity::from_pem_files(Path::new(certificate), Path::new(key))?;
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).alpn(["http/1.1"]).build()?;
    let hello = async |request: Request| Response::from(format!("hello, {}\n", request.head.path()));
    let server = Server::builder(hello).tls(tls).bind(address.parse()?)?;
    eprintln!("listening https {}", server.local_addr());
    Ok(server.run_forever().await?)
}
