//! nginx as a contestant: its configuration, made anew.

use super::wrk::write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

/// What it listens for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Secure<'a> {
    No { http2: bool },
    Tls { chain: &'a Path, key: &'a Path },
}

/// Writes a configuration for a free port, and says where that is.
///
/// One process, whose time is easily told; its event loop is that of a worker.
pub(super) fn configure(
    name: &str,
    secure: Secure<'_>,
    bulk: usize,
) -> Result<(PathBuf, SocketAddr), String> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.map_err(|error| format!("no free port: {error}"))?;
    let bulk = write("bulk", &"x".repeat(bulk))?;
    let folder = bulk.parent().unwrap_or(Path::new("/")).display().to_string();
    let (listen, certificate) = match secure {
        Secure::No { http2: false } => ("", String::new()),
        Secure::No { http2: true } => (" http2", String::new()),
        Secure::Tls { chain, key } => (
            " ssl",
            format!(
                "    ssl_protocols TLSv1.3;\n    ssl_certificate {};\n    ssl_certificate_key {};\n",
                chain.display(),
                key.display()
            ),
        ),
    };
    let text = format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {folder}/{name}.pid;\n\
         error_log stderr error;\nworker_rlimit_nofile 20000;\nevents {{ worker_connections 20000; }}\n\
         http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600s;\n  \
         server_tokens off;\n  default_type text/plain;\n  sendfile on;\n  tcp_nopush on;\n  \
         client_max_body_size 16m;\n  client_body_temp_path {folder}/{name}-body;\n  \
         server {{\n    listen {address}{listen} backlog=16384;\n{certificate}    \
         location / {{ return 200 \"hello, world\\n\"; }}\n    \
         location = /bulk {{ root {folder}; }}\n  }}\n}}\n"
    );
    Ok((write(&format!("{name}.conf"), &text)?, address))
}

/// Names in lower case, and without the fields that nobody else sends.
pub(super) fn plain(answer: &str) -> String {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return answer.to_owned() };
    let mut lines = head.split("\r\n");
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = name.to_ascii_lowercase();
        if !["server", "connection", "last-modified", "etag", "accept-ranges", "cache-control"]
            .contains(&name.as_str())
        {
            text.push_str(&format!("\r\n{name}:{value}"));
        }
    }
    format!("{text}\r\n\r\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_nginx_sends_is_left_out() {
        let answer = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 1\r\nConnection: close\r\n\r\nA: b";
        assert_eq!(plain(answer), "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nA: b");
    }
}
