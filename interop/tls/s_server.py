"""`openssl s_server` and nginx with TLS, as servers for our client."""
import contextlib
import os
import shutil
import socket
import subprocess

import certs
import target
from check import Absent

_NGINX = """
daemon off;
master_process off;
pid <FOLDER>/nginx.pid;
error_log <FOLDER>/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path <FOLDER>/body;
  proxy_temp_path <FOLDER>/proxy;
  fastcgi_temp_path <FOLDER>/fastcgi;
  uwsgi_temp_path <FOLDER>/uwsgi;
  scgi_temp_path <FOLDER>/scgi;
  server {
    listen 127.0.0.1:<PORT> ssl;
    ssl_certificate <CHAIN>;
    ssl_certificate_key <KEY>;
    root <FOLDER>/files;
    <SETTINGS>
    location = /hello { return 200 "$ssl_protocol $ssl_client_verify $ssl_server_name early=$ssl_early_data"; }
  }
}
"""


@contextlib.contextmanager
def s_server(pair, *arguments, way="-www"):
    """An s_server with this certificate and its chain; yields its port. `-www` answers with a page of its own."""
    chain = certs.path(f"{pair.name}.above", certs.read(pair.chain)[len(certs.read(pair.cert)):])
    above = ["-cert_chain", chain] if os.path.getsize(chain) else []
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", *([way] if way else []), "-cert", pair.cert, "-key", pair.key, *above, *arguments]
    process = subprocess.Popen(command, cwd=certs.FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            # It says which port 0 became.
            if line.startswith("ACCEPT "):
                break
        else:
            raise AssertionError(f"s_server {' '.join(arguments)} did not start")
        yield int(line.rsplit(":", 1)[1])
    finally:
        target.end(process)
        process.stdout.close()
        process.stdin.close()


@contextlib.contextmanager
def nginx(pair, *settings):
    """An nginx with this certificate; yields its port. `/hello` says how it was reached, `/big.bin` is 10 MiB."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(program):
        raise Absent("not installed: nginx")
    folder = certs.path("nginx")
    os.makedirs(os.path.join(folder, "files"), exist_ok=True)
    certs.path(os.path.join(folder, "files", "big.bin"), target.pattern(10 * target.MIB))
    for place in (certs.FOLDER, folder):
        os.chmod(place, 0o755)
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = _NGINX
    for word, value in {"FOLDER": folder, "PORT": str(port), "CHAIN": pair.chain, "KEY": pair.key,
                        "SETTINGS": "".join(f"{setting};" for setting in settings)}.items():
        text = text.replace(f"<{word}>", value)
    process = subprocess.Popen([program, "-c", certs.path("nginx.conf", text.encode()), "-p", folder], stderr=subprocess.DEVNULL)

    def listens():
        if process.poll() is not None:
            raise AssertionError(f"nginx ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    try:
        target.wait_for(listens, 10, "nginx does not listen")
        yield port
    finally:
        target.end(process)
