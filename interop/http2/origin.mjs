// A server of HTTP/2 for our client, in the clear or, with a key and a certificate, over TLS.
import http2 from 'node:http2';
import { readFileSync } from 'node:fs';

const [key, cert] = process.argv.slice(2).map(name => readFileSync(name));
const server = key ? http2.createSecureServer({ key, cert, allowHTTP1: true }) : http2.createServer();
const pattern = size => { const data = Buffer.allocUnsafe(size); for (let i = 0; i < size; i++) data[i] = i % 251; return data; };
const text = (stream, body, fields = {}) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain', ...fields });
  stream.end(body);
};

const paths = {
  '/hello': stream => text(stream, 'hello from node\n'),
  '/request': (stream, headers, raw) => {
    const parts = [];
    stream.on('data', part => parts.push(part));
    stream.on('end', () => text(stream, JSON.stringify({ raw, body: Buffer.concat(parts).toString(), settings: stream.session.remoteSettings })));
  },
  '/echo': stream => { stream.respond({ ':status': 200 }); stream.pipe(stream); },
  '/big': stream => text(stream, pattern(10_000_000)),
  '/trailers': stream => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc', 'x-more': '1' }));
    stream.end('with trailers\n');
  },
  '/hints': stream => {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    stream.additionalHeaders({ ':status': 103, link: '</b.js>; rel=preload' });
    text(stream, 'after the hints\n');
  },
  '/push': stream => {
    if (!stream.pushAllowed) return text(stream, 'no push\n');
    let open = 2;
    for (const path of ['/a.css', '/b.js']) {
      stream.pushStream({ ':path': path }, (error, pushed) => {
        if (error) return text(stream, `push failed: ${error.message}\n`);
        pushed.on('error', () => {});
        text(pushed, `pushed ${path}\n`);
        if (--open === 0) text(stream, 'pushed\n');
      });
    }
  },
  '/frames': stream => {
    stream.session.altsvc('h3=":443"', 'https://other.example');
    if (stream.session.encrypted) stream.session.origin('https://a.example', 'https://b.example');
    stream.session.ping(Buffer.from('fromnode'), error => text(stream, error ? `${error}` : 'the ping came back\n'));
  },
  '/settings': stream => {
    // New ones while the body is on its way.
    stream.respond({ ':status': 200 });
    stream.write('before, ');
    stream.session.settings({ headerTableSize: 0, initialWindowSize: 100, maxConcurrentStreams: 1 }, () => stream.end('after\n'));
  },
  '/slow': stream => { setTimeout(() => text(stream, 'late\n'), 300); },
  '/reset': stream => {
    stream.respond({ ':status': 200 });
    stream.write('half');
    setTimeout(() => stream.destroy(new Error('reset')), 50);
  },
  '/refuse': stream => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
  '/destroy': stream => { stream.respond({ ':status': 200 }); stream.write('half'); setTimeout(() => stream.session.destroy(), 50); },
  '/last': stream => { stream.session.close(); setTimeout(() => text(stream, 'the last of this connection\n'), 100); },
};

server.on('stream', (stream, headers, flags, raw) => {
  stream.on('error', () => {});
  const answer = paths[headers[':path'].split('?')[0]];
  if (answer) answer(stream, headers, raw); else stream.respond({ ':status': 404 }, { endStream: true });
});
server.on('sessionError', () => {});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
process.on('SIGTERM', () => process.exit());
