// A node server for our client to talk to. Prints `listening PORT`.
import http from 'node:http';
import { gzipSync } from 'node:zlib';

const block = Buffer.alloc(251 * 256);
for (let i = 0; i < block.length; i++) block[i] = i % 251;

const server = http.createServer((request, response) => {
  const [, name, value] = new URL(request.url, 'http://origin').pathname.split('/');
  const text = body => { response.setHeader('Content-Length', Buffer.byteLength(body)); response.end(body); };
  switch (name) {
    case 'hello': return text('hello from node\n');
    case 'port': return text(`${request.socket.remotePort}\n`);
    case 'request': {
      const parts = [];
      request.on('data', part => parts.push(part));
      return request.on('end', () => text(JSON.stringify({
        method: request.method, target: request.url, version: request.httpVersion,
        headers: request.rawHeaders, body: Buffer.concat(parts).toString('latin1'),
      })));
    }
    case 'chunked':
      for (let i = 0; i < Number(value); i++) response.write(`part ${i}\n`);
      return response.end();
    case 'big': {
      // Chunked, as many blocks as fit, at the reader's pace.
      let left = Number(value);
      const go = () => {
        while (left > 0) {
          const part = block.subarray(0, Math.min(left, block.length));
          left -= part.length;
          if (!response.write(part)) return response.once('drain', go);
        }
        response.end();
      };
      return go();
    }
    case 'trailers':
      response.setHeader('Trailer', 'X-Sum');
      response.write('with a trailer\n');
      response.addTrailers({ 'X-Sum': '42' });
      return response.end();
    case 'hints':
      response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' });
      response.writeProcessing();
      return text('after hints\n');
    case 'status': response.writeHead(Number(value)); return response.end();
    case 'redirect': response.writeHead(302, { Location: '/hello' }); return response.end('elsewhere\n');
    case 'gzip':
      if (!/gzip/.test(request.headers['accept-encoding'] ?? '')) return text('plain\n');
      response.setHeader('Content-Encoding', 'gzip');
      return response.end(gzipSync('unpacked\n'));
    case 'slow': return setTimeout(() => text('late\n'), Number(value));
    case 'close': response.setHeader('Connection', 'close'); return text('last\n');
    default: response.writeHead(404); return response.end('not here\n');
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
