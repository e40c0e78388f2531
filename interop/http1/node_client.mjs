// Node's http client (llhttp) against the demo.
import http from 'node:http';
import net from 'node:net';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { address, base, check, equal, flat, host, openFiles, pattern, port, run, truth } from '../lib/check.mjs';

const MIB = 2 ** 20;
const agent = (options = {}) => new http.Agent({ keepAlive: true, ...options });
const hash = data => createHash('sha256').update(data).digest('hex');

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

// Sends one request; `body` may be bytes or a stream. Adds `body` to the response.
async function call(path, { body, trailers, ...options } = {}) {
  const request = http.request(base + path, options);
  const answered = once(request, 'response');
  if (body instanceof Readable) {
    body.pipe(request);
  } else {
    if (trailers) {
      request.write(body);
      request.addTrailers(trailers);
      request.end();
    } else {
      request.end(body);
    }
  }
  const [response] = await answered;
  response.localPort = response.socket.localPort;
  response.body = await collect(response);
  return response;
}

async function healthy() {
  const answer = await call('/hello');
  equal([answer.statusCode, answer.body.toString()], [200, 'hello, world\n'], 'GET /hello');
}

check('keep-alive: 200 in sequence on one connection', async () => {
  const keep = agent({ maxSockets: 1 });
  const ports = new Set();
  for (let i = 0; i < 200; i++) {
    const answer = await call(i % 2 ? '/hello' : `/bytes/${i * 50}`, { agent: keep });
    equal(answer.statusCode, 200, `status of ${i}`);
    truth(i % 2 || answer.body.equals(pattern(i * 50)), `answer ${i} is wrong`);
    ports.add(answer.localPort);
  }
  equal(ports.size, 1, 'connections used');
  keep.destroy();
});

check('keep-alive: 50 in parallel, three times over', async () => {
  const keep = agent({ maxSockets: 50 });
  for (let turn = 0; turn < 3; turn++) {
    const sizes = Array.from({ length: 50 }, (_, i) => i * 3000);
    const answers = await Promise.all(sizes.map(size => call(`/bytes/${size}`, { agent: keep })));
    answers.forEach((answer, i) => truth(answer.body.equals(pattern(sizes[i])), `answer ${i} is wrong`));
  }
  keep.destroy();
});

check('keep-alive: 500 slow answers in parallel', async () => {
  const keep = agent();
  const answers = await Promise.all(Array.from({ length: 500 }, () => call('/delay/300', { agent: keep })));
  equal([...new Set(answers.map(a => a.statusCode))], [200], 'statuses');
  keep.destroy();
}, 30);

check('trailers: the server\'s arrive', async () => {
  const answer = await call('/stream/5/5', { headers: { TE: 'trailers', Connection: 'keep-alive, TE' } });
  equal(answer.headers['transfer-encoding'], 'chunked', 'transfer-encoding');
  equal({ ...answer.trailers }, { 'x-chunks': '5' }, 'trailers');
});

check('trailers: ours are taken', async () => {
  const keep = agent({ maxSockets: 1 });
  const options = {
    agent: keep, method: 'POST', body: Buffer.from('trailing'),
    headers: { Trailer: 'X-Sum', 'Transfer-Encoding': 'chunked' }, trailers: { 'X-Sum': hash('trailing') },
  };
  const first = await call('/echo', options);
  equal(first.body.toString(), 'trailing', 'echo');
  const second = await call('/upload', options);
  equal(JSON.parse(second.body), { bytes: 8, sha256: hash('trailing') }, 'upload');
  equal(second.req.reusedSocket, true, 'the connection was kept');
  keep.destroy();
});

check('streaming: chunks arrive as they are sent', async () => {
  const request = http.get(`${base}/stream/5/60`);
  const [response] = await once(request, 'response');
  const times = [];
  response.on('data', () => times.push(performance.now()));
  await once(response, 'end');
  truth(times.length >= 4, `${times.length} chunks seen of 5`);
  truth(times.at(-1) - times[0] > 100, 'all chunks came at once');
});

check('streaming: the echo of 64 MiB, with a reader that pauses', async () => {
  await flat(32 * MIB, async () => {
    const block = pattern(251 * 256);
    const total = Math.ceil(64 * MIB / block.length) * block.length;
    const request = http.request(`${base}/echo`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' } });
    const sent = createHash('sha256');
    const got = createHash('sha256');
    let [written, received] = [0, 0];
    const answered = once(request, 'response');
    const write = () => {
      while (written < total) {
        written += block.length;
        sent.update(block);
        if (!request.write(block)) return void request.once('drain', write);
      }
      request.end();
    };
    write();
    const [response] = await answered;
    // Nobody reads: the server must stop reading too, so the sender comes to a halt.
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise(done => setTimeout(done, 500));
    }
    truth(written < total / 2, `${written} bytes were taken though nobody read the echo`);
    for await (const part of response) {
      got.update(part);
      received += part.length;
    }
    equal([received, got.digest('hex')], [total, sent.digest('hex')], 'the echo');
  });
}, 40);

check('Expect: 100-continue fires \'continue\'', async () => {
  const request = http.request(`${base}/upload`, { method: 'POST', headers: { Expect: '100-continue', 'Content-Length': 5 } });
  const answered = once(request, 'response');
  request.flushHeaders();
  await once(request, 'continue');
  request.end('hello');
  const [response] = await answered;
  equal(JSON.parse(await collect(response)).bytes, 5, 'bytes received');
});

check('103 fires \'information\' with its fields', async () => {
  const request = http.get(`${base}/hints`);
  const answered = once(request, 'response');
  const [hints] = await once(request, 'information');
  equal(hints.statusCode, 103, 'status');
  truth(hints.headers.link, 'no Link');
  const [response] = await answered;
  response.resume();
  equal(response.statusCode, 200, 'final status');
});

check('Upgrade: what the server does not speak is ignored', async () => {
  const request = http.get(`${base}/hello`, { headers: { Connection: 'Upgrade', Upgrade: 'tea/1' } });
  request.on('upgrade', () => request.emit('error', new Error('it upgraded')));
  const [response] = await once(request, 'response');
  equal([response.statusCode, (await collect(response)).toString()], [200, 'hello, world\n'], 'answer');
});

check('CONNECT is refused cleanly', async () => {
  const request = http.request({ host, port, method: 'CONNECT', path: 'example.org:443' });
  request.end();
  const [response, socket] = await once(request, 'connect');
  socket.destroy();
  truth(response.statusCode >= 400, `status ${response.statusCode}`);
});

check('aborted requests leave nothing behind', async () => {
  await healthy();
  const before = openFiles();
  for (let i = 0; i < 60; i++) {
    const request = http.request(base + ['/upload', '/bytes/1000000000', '/delay/60000'][i % 3], { method: i % 3 ? 'GET' : 'POST', agent: false });
    request.on('error', () => {});
    if (i % 3 === 0) {
      await new Promise(done => request.write(pattern(100_000), done));
    } else if (i % 3 === 1) {
      request.end();
      const [response] = await once(request, 'response');
      await once(response, 'data');
    } else {
      request.end();
      await once(request, 'finish');
    }
    request.destroy();
  }
  await healthy();
  const until = Date.now() + 10_000;
  while (openFiles() > before + 3 && Date.now() < until) await new Promise(done => setTimeout(done, 50));
  truth(openFiles() <= before + 3, `${openFiles()} open files, ${before} before`);
}, 30);

check('header names keep their case and order', async () => {
  const names = ['X-MiXeD', 'aCCept', 'ETag', 'x-lower', 'X-UPPER'];
  const answer = await call('/headers', { headers: Object.fromEntries(names.map((n, i) => [n, String(i)])) });
  const seen = JSON.parse(answer.body).headers;
  equal(seen.filter(([n]) => names.includes(n)), names.map((n, i) => [n, String(i)]), 'fields');
});

check('raw response header names and lines are well formed', async () => {
  const answer = await call('/cache/60');
  equal(answer.httpVersion, '1.1', 'version');
  truth(answer.rawHeaders.length >= 8, 'too few fields');
  equal(answer.statusMessage, 'OK', 'reason phrase');
});

check('Node\'s own header limit is not met by our answers', async () => {
  for (const path of ['/', '/hello', '/metrics', '/hints']) {
    const answer = await call(path);
    truth(answer.rawHeaders.join('').length < 4096, `${path} has a large head`);
  }
});

check('fetch (undici): bodies, a stream, a redirect, parallel use', async () => {
  equal(await (await fetch(`${base}/hello`)).text(), 'hello, world\n', '/hello');
  const body = pattern(300_000);
  const stream = new ReadableStream({ start(c) { c.enqueue(body); c.close(); } });
  const echo = await fetch(`${base}/echo`, { method: 'POST', body: stream, duplex: 'half' });
  truth(Buffer.from(await echo.arrayBuffer()).equals(body), 'the echo differs');
  const redirected = await fetch(`${base}/redirect/2`);
  equal([redirected.status, redirected.redirected], [200, true], 'redirect');
  await redirected.text();
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => fetch(`${base}/bytes/${i}`).then(r => r.arrayBuffer())));
  equal(all.map(a => a.byteLength), Array.from({ length: 40 }, (_, i) => i), 'sizes');
});

check('pipelined by hand: 100 requests in one write', async () => {
  const socket = net.connect(Number(port), host);
  const request = `GET /hello HTTP/1.1\r\nHost: ${address}\r\n\r\n`;
  socket.write(request.repeat(99) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  const text = (await collect(socket)).toString();
  equal([text.match(/HTTP\/1\.1 200 OK/g)?.length, text.match(/hello, world\n/g)?.length], [100, 100], 'answers');
});

await run();
