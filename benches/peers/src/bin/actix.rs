//! actix-http under actix-server with one worker, as its own examples have it.

use actix_http::{HttpService, Request, Response, header};
use std::convert::Infallible;
use std::io;
use wirelace_peers::{BODY, CONTENT_TYPE, listen};

fn main() -> io::Result<()> {
    let listener = listen()?;
    actix_rt::System::new().block_on(async {
        let server = actix_server::Server::build().workers(1).max_concurrent_connections(20_000);
        let server = server.listen("hello", listener, || {
            HttpService::build()
                .tcp_nodelay(true)
                .h1(|_: Request| async {
                    let mut response = Response::ok();
                    let value = header::HeaderValue::from_static(CONTENT_TYPE);
                    response.headers_mut().insert(header::CONTENT_TYPE, value);
                    Ok::<_, Infallible>(response.set_body(BODY))
                })
                .tcp()
        })?;
        server.run().await
    })
}
