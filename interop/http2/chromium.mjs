// A browser loads the demo over HTTP/2.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser } from '../lib/browser.mjs';
import { base as plain, certificate, check, equal, pattern, run, tlsPort, truth } from '../lib/check.mjs';

const base = `https://localhost:${tlsPort}`;
const sum = data => createHash('sha256').update(data);
let browser;
const inPage = (...work) => browser.evaluate(...work);

check('the page opens over h2 and has checked itself', async () => {
  const key = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  browser = await Browser.start(`--ignore-certificate-errors-spki-list=${sum(key).digest('base64')}`, '--window-size=1200,1200');
  await browser.open(`${base}/`);
  await browser.waitFor(`document.querySelector('main#wirelace')`, 10);
  await browser.waitFor(`document.body.dataset.ready === '1'`, 10);
  equal(await inPage(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h2', 'protocol of the page');
}, 60);

check('every endpoint on the page can be tried by hand', async () => {
  const tried = await inPage(async () => {
    const rows = [];
    for (const button of document.querySelector('#list').querySelectorAll('button')) {
      button.click();
      document.querySelector('#send').click();
      do await new Promise(done => setTimeout(done, 20)); while (document.querySelector('#send').disabled);
      rows.push([document.querySelector('#path').value, document.querySelector('#summary strong').textContent]);
    }
    return rows;
  });
  truth(tried.length >= 10, `only ${tried.length} endpoints`);
  for (const [path, status] of tried) {
    const want = path === '/status/418' ? '418' : path.startsWith('/bytes/') ? '206' : '200';
    truth(status.startsWith(want), `${path}: "${status}"`);
  }
}, 40);

check('200 fetches at once: all over h2, all right, on one connection', async () => {
  const got = await inPage(async () => {
    performance.clearResourceTimings();
    performance.setResourceTimingBufferSize(1000);
    const urls = Array.from({ length: 200 }, (_, i) => `/bytes/${i * 100}`);
    const wrong = (await Promise.all(urls.map(async (url, i) => {
      const data = new Uint8Array(await (await fetch(url, { cache: 'no-store' })).arrayBuffer());
      return data.length !== i * 100 || data.some((byte, at) => byte !== at % 251);
    }))).filter(Boolean).length;
    const times = urls.map(url => performance.getEntriesByName(new URL(url, location.href).href).at(-1));
    return { wrong, protocols: [...new Set(times.map(time => time?.nextHopProtocol))] };
  });
  equal(got, { wrong: 0, protocols: ['h2'] }, 'wrong answers and protocols');
  const connections = new Set(browser.events.filter(e => e.method === 'Network.responseReceived' && e.params.response.url.includes('/bytes/'))
    .map(e => e.params.response.connectionId));
  equal(connections.size, 1, 'connections');
});

check('100 slow ones at once take no longer than a few', async () => {
  // One after the other, or six at a time as with HTTP/1.1, they would not end in time.
  const statuses = await inPage(async () => [...new Set(await Promise.all(Array.from({ length: 100 }, async () => (await fetch('/delay/1000', { cache: 'no-store' })).status)))]);
  equal(statuses, [200], 'statuses');
}, 12);

check('5 MB down and up, a range, a redirect, statuses', async () => {
  const got = await inPage(async size => {
    const data = await (await fetch(`/bytes/${size}`)).arrayBuffer();
    const range = await fetch('/bytes/1000', { headers: { Range: 'bytes=10-19' } });
    const redirect = await fetch('/redirect/3');
    return {
      wrong: new Uint8Array(data).findIndex((byte, i) => byte !== i % 251),
      upload: await (await fetch('/upload', { method: 'POST', body: data })).json(),
      range: [range.status, (await range.arrayBuffer()).byteLength],
      redirect: [redirect.status, redirect.redirected],
      statuses: await Promise.all([200, 204, 404, 500].map(async code => (await fetch(`/status/${code}`)).status)),
    };
  }, 5_000_000);
  const upload = { bytes: 5_000_000, sha256: sum(pattern(5_000_000)).digest('hex') };
  equal(got, { wrong: -1, upload, range: [206, 10], redirect: [200, true], statuses: [200, 204, 404, 500] }, 'answers');
});

check('an upload that streams, which browsers do over HTTP/2 alone', async () => {
  const got = await inPage(async () => {
    let left = 20;
    const body = new ReadableStream({
      async pull(control) {
        await new Promise(done => setTimeout(done, 5));
        if (left-- > 0) control.enqueue(new Uint8Array(10_000)); else control.close();
      },
    });
    return (await (await fetch('/upload', { method: 'POST', body, duplex: 'half' })).json()).bytes;
  });
  equal(got, 200_000, 'bytes received');
});

check('a stream is read as it comes; one that is aborted harms no other', async () => {
  const got = await inPage(async () => {
    const reader = (await fetch('/stream/5/60')).body.getReader();
    let chunks = 0;
    while (!(await reader.read()).done) chunks++;
    const steady = fetch('/stream/10/30').then(response => response.text());
    for (let i = 0; i < 20; i++) {
      const control = new AbortController();
      const response = await fetch('/bytes/1000000000', { signal: control.signal });
      await response.body.getReader().read();
      control.abort();
    }
    return [chunks >= 4, (await steady).trim().split('\n').length, await (await fetch('/hello')).text()];
  });
  equal(got, [true, 10, 'hello, world\n'], 'pieces, lines of the steady one, the next');
});

check('103 Early Hints, the cache, 304', async () => {
  const got = await inPage(async () => {
    const entry = async cache => {
      performance.clearResourceTimings();
      await (await fetch('/cache/60', { cache })).text();
      return performance.getEntriesByName(new URL('/cache/60', location.href).href).at(-1);
    };
    const [first, fresh] = [await entry('reload'), await entry('default')];
    await entry('no-cache');
    return [(await fetch('/hints')).status, first.responseStatus, first.transferSize > 0, fresh.transferSize];
  });
  equal(got, [200, 200, true, 0], 'statuses and transfers');
  const statuses = browser.events.filter(e => e.method === 'Network.responseReceivedExtraInfo').map(e => e.params.statusCode);
  truth(statuses.includes(304), `no 304 among ${statuses.slice(-5)}`);
});

check('/tiles: 200 tiles over h2, many at once, then three large ones to their ends', async () => {
  await browser.open(`${base}/tiles`);
  await browser.waitFor(`document.querySelector('main#tiles') && document.body.dataset.ready === '1'`, 40);
  await writeFile(join(process.env.WIRELACE_WORK, 'chromium-http2-tiles.png'), await browser.screenshot());
  const got = await inPage(() => [document.querySelector('#count').textContent, document.querySelector('#protocol').textContent,
    Number(document.querySelector('#most').textContent) >= 50, document.body.dataset.order?.split(' ').sort()]);
  // Their order is the browser's as much as ours: what it reads slowly has no window.
  equal(got, ['200', 'h2', true, ['background', 'urgent', 'usual']], 'tiles, protocol, many at once, large ones');
}, 60);

check('/push: the page has its style and its script, promised or not', async () => {
  await browser.open(`${base}/push`);
  await browser.waitFor(`document.querySelector('#script')?.textContent === 'arrived'`, 10);
  equal(await inPage(() => getComputedStyle(document.querySelector('#style'), '::after').content), '"arrived"', 'the style');
});

check('in the clear the browser stays with HTTP/1.1', async () => {
  await browser.open(`${plain}/`);
  await browser.waitFor(`document.querySelector('main#wirelace') && document.body.dataset.ready === '1'`, 10);
  equal(await inPage(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'http/1.1', 'protocol');
});

check('the page threw nothing', async () => {
  equal(browser.troubles().filter(t => !/status of (404|418|500)|favicon/.test(t)), [], 'errors');
});

check('the browser closes', async () => {
  await browser.close();
});

await run();
