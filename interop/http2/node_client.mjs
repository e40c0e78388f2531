// Node's http2 client against the demo, in the clear and over TLS.
import http2 from 'node:http2';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { base as plain, certificate, check, equal, flat, openFiles, pattern, run, tlsPort, truth } from '../lib/check.mjs';

const MIB = 2 ** 20;
const ca = readFileSync(certificate);
const bases = { h2c: plain, h2: `https://localhost:${tlsPort}` };
const hash = data => createHash('sha256').update(data).digest('hex');
const { HTTP2_HEADER_STATUS: STATUS, NGHTTP2_CANCEL: CANCEL } = http2.constants;

// The check in the clear and over TLS; it gets a session, and a function that makes more.
const both = (name, work, seconds) => Object.entries(bases).forEach(([way, base]) => check(`${way} ${name}`, async () => {
  const sessions = [];
  const connect = async (options = {}) => {
    const session = http2.connect(base, { ca, maxSessionMemory: 100, ...options });
    sessions.push(session);
    session.on('error', error => { session.failed = error; });
    session.on('goaway', code => { if (code) session.failed ??= new Error(`GOAWAY ${code}`); });
    await once(session, 'connect');
    return session;
  };
  try {
    await work(await connect(), connect, base);
    for (const session of sessions) truth(!session.failed, `the session: ${session.failed?.message}`);
  } finally {
    sessions.forEach(session => session.destroy());
  }
}, seconds));

// Sends a request; `body` is bytes. Gives head, body, trailers and interim responses.
async function call(session, path, { body, ...fields } = {}) {
  const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET', ...fields }, { endStream: !body });
  const answer = { interim: [], trailers: undefined };
  stream.on('headers', head => answer.interim.push(head));
  stream.on('trailers', trailers => { answer.trailers = trailers; });
  const answered = new Promise((yes, no) => { stream.once('response', yes); stream.once('error', no); stream.once('close', () => no(new Error(`${path}: closed`))); });
  if (body) stream.end(body);
  answer.head = await answered;
  answer.status = answer.head[STATUS];
  const parts = [];
  for await (const part of stream) parts.push(part);
  answer.body = Buffer.concat(parts);
  return answer;
}

async function healthy(session) {
  const answer = await call(session, '/hello');
  equal([answer.status, answer.body.toString()], [200, 'hello, world\n'], 'GET /hello');
}

both('settings of the server', async session => {
  await healthy(session);
  const { enableConnectProtocol, maxConcurrentStreams, maxHeaderListSize } = session.remoteSettings;
  equal(enableConnectProtocol, true, 'ENABLE_CONNECT_PROTOCOL');
  truth(maxConcurrentStreams >= 100 && maxConcurrentStreams <= 1000, `MAX_CONCURRENT_STREAMS ${maxConcurrentStreams}`);
  truth(maxHeaderListSize >= 16_384 && maxHeaderListSize <= MIB, `MAX_HEADER_LIST_SIZE ${maxHeaderListSize}`);
});

both('200 in sequence', async session => {
  for (let i = 0; i < 200; i++) {
    const answer = await call(session, `/bytes/${i * 50}`);
    truth(answer.status === 200 && answer.body.equals(pattern(i * 50)), `answer ${i} is wrong`);
  }
});

both('200 at once, on one session', async session => {
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => call(session, `/bytes/${i * 500}`)));
  answers.forEach((answer, i) => truth(answer.status === 200 && answer.body.equals(pattern(i * 500)), `answer ${i} is wrong`));
});

both('200 slow ones at once', async session => {
  const answers = await Promise.all(Array.from({ length: 200 }, () => call(session, '/delay/300')));
  equal([...new Set(answers.map(a => a.status))], [200], 'statuses');
});

both('10 MB down and up, and the echo of 10 MB', async session => {
  const body = pattern(10_000_000);
  truth((await call(session, '/bytes/10000000')).body.equals(body), 'the body differs');
  equal(JSON.parse((await call(session, '/upload', { body })).body), { bytes: body.length, sha256: hash(body) }, 'what was received');
  truth((await call(session, '/echo', { body })).body.equals(body), 'the echo differs');
}, 40);

both('ten uploads of 1 MB at once', async session => {
  const body = pattern(1_000_000);
  const answers = await Promise.all(Array.from({ length: 10 }, () => call(session, '/upload', { body })));
  answers.forEach(answer => equal(JSON.parse(answer.body), { bytes: body.length, sha256: hash(body) }, 'what was received'));
}, 40);

both('the echo of 64 MiB with a reader that pauses: the sender halts, memory is flat', async session => {
  await flat(32 * MIB, async () => {
    const block = pattern(251 * 256);
    const total = Math.ceil(64 * MIB / block.length) * block.length;
    const stream = session.request({ ':path': '/echo', ':method': 'POST' });
    const [sent, got] = [createHash('sha256'), createHash('sha256')];
    let [written, received] = [0, 0];
    const write = () => {
      while (written < total) {
        written += block.length;
        sent.update(block);
        if (!stream.write(block)) return void stream.once('drain', write);
      }
      stream.end();
    };
    const answered = once(stream, 'response');
    write();
    await answered;
    // Nobody reads: the server must stop reading too, so the sender comes to a halt.
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise(done => setTimeout(done, 300));
    }
    truth(written < total / 2, `${written} bytes were taken though nobody read the echo`);
    for await (const part of stream) {
      got.update(part);
      received += part.length;
    }
    equal([received, got.digest('hex')], [total, sent.digest('hex')], 'the echo');
  });
}, 40);

both('trailers: the server\'s arrive, ours are taken', async session => {
  const answer = await call(session, '/stream/5/5', { te: 'trailers' });
  equal({ ...answer.trailers }, { 'x-chunks': '5' }, 'trailers');
  const stream = session.request({ ':path': '/upload', ':method': 'POST' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': hash('trailing') }));
  stream.end('trailing');
  const [head] = await once(stream, 'response');
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += part;
  equal([head[STATUS], JSON.parse(text).bytes], [200, 8], 'upload');
});

both('103 of /hints, 100 for an expectation', async session => {
  const answer = await call(session, '/hints');
  equal(answer.interim.map(head => head[STATUS]), [103], 'interim responses');
  truth(answer.interim[0].link, 'no Link');
  equal(answer.status, 200, 'final status');
  const stream = session.request({ ':path': '/upload', ':method': 'POST', expect: '100-continue' });
  await once(stream, 'continue');
  stream.end('hello');
  const [head] = await once(stream, 'response');
  stream.resume();
  equal(head[STATUS], 200, 'status after 100');
});

both('pieces of /stream arrive as they are sent', async session => {
  const stream = session.request({ ':path': '/stream/5/60' });
  const times = [];
  stream.on('data', () => times.push(performance.now()));
  await once(stream, 'end');
  truth(times.length >= 4 && times.at(-1) - times[0] > 100, `${times.length} pieces within ${times.at(-1) - times[0]} ms`);
});

both('push: both of /push arrive, with what they were promised as', async (session, _, base) => {
  const pushed = {};
  const ends = [];
  session.on('stream', (stream, head) => ends.push((async () => {
    const [fields] = await once(stream, 'push');
    let size = 0;
    for await (const part of stream) size += part.length;
    pushed[head[':path']] = [fields[STATUS], size, head[':method'], `${head[':scheme']}://${head[':authority']}`];
  })()));
  const answer = await call(session, '/push');
  equal(answer.status, 200, 'status of /push');
  await Promise.all(ends);
  equal(Object.keys(pushed).sort(), ['/push/a.css', '/push/b.js'], 'pushed');
  for (const [path, [status, size, method, origin]] of Object.entries(pushed)) {
    equal([status, method, origin], [200, 'GET', base], path);
    equal(size, (await call(session, path)).body.length, `bytes of ${path}`);
  }
});

both('push: none to who does not want it; one that is cancelled harms nobody', async (session, connect) => {
  const shy = await connect({ settings: { enablePush: false } });
  shy.on('stream', () => { shy.failed = new Error('something was pushed'); });
  equal((await call(shy, '/push')).status, 200, 'status');
  session.on('stream', stream => { stream.on('error', () => {}); stream.close(CANCEL); });
  for (let i = 0; i < 20; i++) equal((await call(session, '/push')).status, 200, 'status');
  await healthy(session);
});

both('PING comes back with its octets', async session => {
  for (const payload of ['12345678', 'fromnode']) {
    const got = await new Promise((yes, no) => session.ping(Buffer.from(payload), (error, _, data) => (error ? no(error) : yes(data.toString()))));
    equal(got, payload, 'octets');
  }
});

both('settings of ours may change while bodies are on their way', async session => {
  const bodies = Array.from({ length: 4 }, () => call(session, '/bytes/2000000'));
  for (const settings of [{ initialWindowSize: 1000 }, { headerTableSize: 0 }, { initialWindowSize: 200_000, headerTableSize: 8192 }, { maxFrameSize: 100_000 }]) {
    await new Promise((yes, no) => session.settings(settings, error => (error ? no(error) : yes())));
    equal((await call(session, '/cache/60')).status, 200, 'status');
  }
  for (const answer of await Promise.all(bodies)) truth(answer.body.equals(pattern(2_000_000)), 'the body differs');
});

both('CONNECT is refused, by status or by reset, and the session lives', async session => {
  await healthy(session);
  for (const fields of [{ ':method': 'CONNECT', ':authority': 'example.org:443' }, { ':method': 'CONNECT', ':protocol': 'tea', ':path': '/hello' }]) {
    const stream = session.request(fields);
    const outcome = await new Promise(done => {
      stream.once('response', head => done(head[STATUS]));
      stream.once('error', error => done(error.code));
    });
    truth(outcome >= 400 || outcome === 'ERR_HTTP2_STREAM_ERROR', `outcome ${outcome}`);
    stream.destroy();
  }
  await healthy(session);
});

both('cancelled requests: the others go on, nothing is left behind', async session => {
  await healthy(session);
  const steady = call(session, '/stream/30/20');
  for (let i = 0; i < 60; i++) {
    const stream = session.request({ ':path': ['/upload', '/bytes/1000000000', '/delay/60000'][i % 3], ':method': i % 3 ? 'GET' : 'POST' });
    stream.on('error', () => {});
    if (i % 3 === 0) stream.write(pattern(100_000));
    if (i % 3 === 1) await once(stream, 'data');
    stream.close(CANCEL);
    await once(stream, 'close');
  }
  equal((await steady).body.toString().split('\n').length, 31, 'lines of the steady one');
  truth((await call(session, '/bytes/3000000')).body.equals(pattern(3_000_000)), 'the connection\'s window was lost');
}, 30);

both('60 sessions that are destroyed in the middle leave nothing behind', async (session, connect, base) => {
  await healthy(session);
  const before = openFiles();
  for (let i = 0; i < 60; i++) {
    const lost = http2.connect(base, { ca });
    lost.on('error', () => {});
    const stream = lost.request({ ':path': '/bytes/1000000000' });
    stream.on('error', () => {});
    await once(stream, 'data');
    lost.destroy();
  }
  await healthy(session);
  const until = Date.now() + 10_000;
  while (openFiles() > before + 3 && Date.now() < until) await new Promise(done => setTimeout(done, 50));
  truth(openFiles() <= before + 3, `${openFiles()} open files, ${before} before`);
}, 40);

both('session.close(): what runs is finished first', async (_, connect) => {
  const session = await connect();
  await healthy(session);
  const stream = session.request({ ':path': '/stream/10/30' });
  const [head] = await once(stream, 'response');
  session.close();
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += part;
  equal([head[STATUS], text.split('\n').length], [200, 11], 'status and lines');
  if (!session.destroyed) await once(session, 'close');
});

// A demo of its own, which gets SIGTERM.
async function draining(work) {
  const pem = join(process.env.WIRELACE_WORK, 'node-draining.pem');
  const child = spawn(process.env.WIRELACE_BIN, ['demo', '--plain', '127.0.0.1:0', '--listen', '127.0.0.1:0', '--write-cert', pem],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, XDG_CACHE_HOME: join(process.env.WIRELACE_WORK, 'node-draining.cache') } });
  const ended = once(child, 'exit');
  try {
    const found = {};
    let text = '';
    while (!found.http || !found.https) {
      text += await once(child.stderr, 'data');
      for (const [, scheme, address] of text.matchAll(/listening (https?) (\S+) .*\n/g)) found[scheme] = address;
    }
    for (const url of [`http://${found.http}`, `https://localhost:${found.https.split(':').at(-1)}`].slice(0, 2)) await work(url, readFileSync(pem), child, ended);
  } finally {
    child.kill('SIGKILL');
  }
}

for (const [way, scheme] of [['h2c', 'http:'], ['h2', 'https:']]) {
  check(`${way} SIGTERM: GOAWAY with NO_ERROR, what runs is finished, then the end`, () => draining(async (url, trust, child, ended) => {
    if (!url.startsWith(scheme)) return;
    const session = http2.connect(url, { ca: trust });
    session.on('error', () => {});
    const away = once(session, 'goaway');
    const closed = once(session, 'close');
    const upload = session.request({ ':path': '/echo', ':method': 'POST' });
    upload.write('early, ');
    const echoed = (async () => { let all = ''; for await (const part of upload.setEncoding('utf8')) all += part; return all; })();
    const running = [call(session, '/delay/1000'), call(session, '/stream/20/50'), call(session, '/bytes/60000')];
    await once(upload, 'response');
    child.kill('SIGTERM');
    equal((await away)[0], 0, 'code of GOAWAY');
    upload.end('late');
    equal((await Promise.all(running)).map(answer => answer.status), [200, 200, 200], 'statuses');
    equal(await echoed, 'early, late', 'the echo');
    await closed;
    equal((await ended)[0], 0, 'exit code');
  }), 30);
}

await run();
