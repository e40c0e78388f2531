// Node's https and tls modules against the demo.
import https from 'node:https';
import tls from 'node:tls';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { certificate, check, equal, flat, pattern, run, tlsPort as port, truth } from '../lib/check.mjs';

const MIB = 2 ** 20;
const ca = readFileSync(certificate);
const base = `https://localhost:${port}`;
const hash = data => createHash('sha256').update(data).digest('hex');
const only = version => (version ? { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` } : {});
const both = (name, work) => ['1.2', '1.3'].forEach(version => check(`TLS ${version} ${name}`, () => work(version), 30));

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function call(path, { body, ...options } = {}) {
  const request = https.request(base + path, { ca, ...options });
  const answered = once(request, 'response');
  if (body instanceof Readable) body.pipe(request); else request.end(body);
  const [response] = await answered;
  response.port = response.socket.localPort;
  response.secure = { version: response.socket.getProtocol(), reused: response.socket.isSessionReused(), alpn: response.socket.alpnProtocol };
  response.body = await collect(response);
  return response;
}

// A connection by hand: one request, and all that comes until the end.
async function connection(options) {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options });
  const sessions = [];
  socket.on('session', session => sessions.push(session));
  await once(socket, 'secureConnect');
  const facts = { version: socket.getProtocol(), reused: socket.isSessionReused(), alpn: socket.alpnProtocol };
  if (facts.alpn === 'h2') {
    socket.destroy();
    return { ...facts, sessions };
  }
  socket.write('GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const text = (await collect(socket)).toString();
  truth(text.startsWith('HTTP/1.1 200 ') && text.endsWith('hello, world\n'), `answer: ${text.slice(0, 80)}`);
  return { ...facts, sessions };
}

both('keep-alive agent: 200 in sequence on one connection', async version => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  for (let i = 0; i < 200; i++) {
    const answer = await call(i % 2 ? '/hello' : `/bytes/${i * 50}`, { agent, ...only(version) });
    equal([answer.statusCode, answer.secure.version], [200, `TLSv${version}`], `answer ${i}`);
    truth(i % 2 || answer.body.equals(pattern(i * 50)), `answer ${i} is wrong`);
    ports.add(answer.port);
  }
  equal(ports.size, 1, 'connections used');
  agent.destroy();
});

both('keep-alive agent: 50 in parallel, three times over', async version => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 50 });
  for (let turn = 0; turn < 3; turn++) {
    const sizes = Array.from({ length: 50 }, (_, i) => i * 1000);
    const answers = await Promise.all(sizes.map(size => call(`/bytes/${size}`, { agent, ...only(version) })));
    answers.forEach((answer, i) => truth(answer.body.equals(pattern(sizes[i])), `answer ${i} is wrong`));
  }
  agent.destroy();
});

both('an agent without keep-alive resumes its session', async version => {
  const agent = new https.Agent({ keepAlive: false, maxSockets: 1 });
  const reused = [];
  for (let i = 0; i < 4; i++) reused.push((await call('/hello', { agent, ...only(version) })).secure.reused);
  equal(reused, [false, true, true, true], 'sessions reused');
  agent.destroy();
});

both('the session event gives a session that isSessionReused', async version => {
  const first = await connection(only(version));
  equal(first.reused, false, 'the first is reused');
  truth(first.sessions.length > 0, 'no session came');
  for (const session of first.sessions) equal((await connection({ session, ...only(version) })).reused, true, 'reused');
});

both('ALPN', async version => {
  for (const [offered, chosen] of [[['http/1.1'], 'http/1.1'], [['h2', 'http/1.1'], 'h2'], [['http/1.0'], 'http/1.0'], [undefined, false]]) {
    equal((await connection({ ALPNProtocols: offered, ...only(version) })).alpn, chosen, `choice from ${offered}`);
  }
  const refused = await connection({ ALPNProtocols: ['spdy/3'], ...only(version) }).catch(error => error);
  truth(refused.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', `for spdy/3: ${refused.code ?? refused.alpn}`);
});

check('refused by node: no CA, a wrong name, TLS 1.1', async () => {
  const code = options => connection(options).then(() => 'accepted', error => error.code);
  truth(/SELF_SIGNED|UNABLE_TO_VERIFY/.test(await code({ ca: [] })), 'accepted without the CA');
  equal(await code({ servername: 'example.test' }), 'ERR_TLS_CERT_ALTNAME_INVALID', 'for a wrong name');
  const old = await code({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  // rustls looks for the signature algorithms first, which came with TLS 1.2.
  truth(/ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE)$/.test(old), `for TLS 1.1: ${old}`);
});

both('a streamed upload of 32 MiB, chunked, in flat memory', async version => {
  await flat(32 * MIB, async () => {
    const [block, sum, count] = [pattern(MIB), createHash('sha256'), 32];
    const body = Readable.from((function* () { for (let i = 0; i < count; i++) { sum.update(block); yield block; } })());
    const answer = await call('/upload', { method: 'POST', body, ...only(version) });
    equal(JSON.parse(answer.body), { bytes: count * MIB, sha256: sum.digest('hex') }, 'what was received');
  });
});

both('the echo of 5 MB; chunks and a trailer', async version => {
  const body = pattern(5_000_000);
  equal(hash((await call('/echo', { method: 'POST', body, ...only(version) })).body), hash(body), 'the echo');
  const answer = await call('/stream/5/5', { headers: { TE: 'trailers', Connection: 'TE' }, ...only(version) });
  equal({ ...answer.trailers }, { 'x-chunks': '5' }, 'trailers');
});

both('half-close: end() after the request, the answer still comes', async version => {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, allowHalfOpen: true, ...only(version) });
  socket.end('GET /stream/3/20 HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const text = (await collect(socket)).toString();
  truth(text.startsWith('HTTP/1.1 200 ') && /\r\n0\r\n/.test(text), `answer: ${text.slice(0, 80)}...${text.slice(-30)}`);
});

check('renegotiation asked for by node is refused', async () => {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...only('1.2') });
  await once(socket, 'secureConnect');
  const error = await new Promise(done => {
    socket.once('error', done);
    socket.once('close', () => done(new Error('closed')));
    socket.renegotiate({}, done);
  });
  truth(error, 'it was done');
  socket.destroy();
  equal((await call('/hello')).statusCode, 200, 'the next connection');
});

check('an aborted download does not disturb the next', async () => {
  const request = https.get(`${base}/bytes/1000000000`, { ca });
  const [response] = await once(request, 'response');
  await once(response, 'data');
  request.destroy();
  equal((await call('/hello')).body.toString(), 'hello, world\n', 'the next');
});

await run();
