// A browser loads the demo's page and calls the endpoints from it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { base, check, equal, pattern, run, truth } from '../lib/check.mjs';
import { Browser } from '../lib/browser.mjs';

let browser;
const inPage = (...work) => browser.evaluate(...work);

check('the browser starts and opens /', async () => {
  browser = await Browser.start('--window-size=1200,1000');
  await browser.open(`${base}/`);
}, 60);

check('the page is there and its self-check has run', async () => {
  // The contract with the page: this element, and this mark once its script has fetched /hello.
  await browser.waitFor(`document.querySelector('main#wirelace')`, 10);
  await browser.waitFor(`document.body.dataset.ready === '1'`, 10);
  await writeFile(join(process.env.WIRELACE_WORK, 'chromium-http1.png'), await browser.screenshot());
  const protocol = await inPage(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
  equal(protocol, 'http/1.1', 'protocol of the page');
});

check('every endpoint on the page can be tried by hand', async () => {
  const tried = await inPage(async () => {
    const find = selector => document.querySelector(selector) ?? (() => { throw new Error(`no ${selector}`); })();
    const rows = [];
    for (const button of find('#list').querySelectorAll('button')) {
      button.click();
      find('#send').click();
      do await new Promise(done => setTimeout(done, 20)); while (find('#send').disabled);
      rows.push([find('#path').value, find('#summary strong').textContent]);
    }
    return rows;
  });
  truth(tried.length >= 10, `only ${tried.length} endpoints`);
  for (const [path, status] of tried) {
    const want = path === '/status/418' ? '418' : path.startsWith('/bytes/') ? '206' : '200';
    truth(status.startsWith(want), `${path}: "${status}"`);
  }
  await writeFile(join(process.env.WIRELACE_WORK, 'chromium-http1-tried.png'), await browser.screenshot());
}, 30);

check('fetch: /hello, /echo, /headers', async () => {
  const got = await inPage(async () => ({
    hello: await (await fetch('/hello')).text(),
    echo: await (await fetch('/echo', { method: 'POST', body: 'from the page' })).text(),
    headers: await (await fetch('/headers?x=1', { headers: { 'X-Page': 'yes' } })).json(),
  }));
  equal([got.hello, got.echo], ['hello, world\n', 'from the page'], 'bodies');
  equal([got.headers.method, got.headers.target], ['GET', '/headers?x=1'], 'method and target');
  truth(got.headers.headers.some(([n, v]) => n.toLowerCase() === 'x-page' && v === 'yes'), 'X-Page is missing');
});

check('fetch: 5 MB down and up', async () => {
  const got = await inPage(async size => {
    const data = await (await fetch(`/bytes/${size}`)).arrayBuffer();
    const bytes = new Uint8Array(data);
    return {
      wrong: bytes.findIndex((b, i) => b !== i % 251), size: bytes.length,
      upload: await (await fetch('/upload', { method: 'POST', body: data })).json(),
    };
  }, 5_000_000);
  equal([got.wrong, got.size], [-1, 5_000_000], 'download');
  equal(got.upload, { bytes: 5_000_000, sha256: createHash('sha256').update(pattern(5_000_000)).digest('hex') }, 'upload');
});

check('fetch: a range, a redirect, statuses', async () => {
  const got = await inPage(async () => {
    const range = await fetch('/bytes/1000', { headers: { Range: 'bytes=10-19' } });
    const redirect = await fetch('/redirect/3');
    return {
      range: [range.status, (await range.arrayBuffer()).byteLength],
      redirect: [redirect.status, redirect.redirected],
      statuses: await Promise.all([200, 204, 404, 500].map(async code => (await fetch(`/status/${code}`)).status)),
    };
  });
  equal(got, { range: [206, 10], redirect: [200, true], statuses: [200, 204, 404, 500] }, 'answers');
});

check('fetch: a stream is read as it comes', async () => {
  const got = await inPage(async () => {
    const reader = (await fetch('/stream/5/60')).body.getReader();
    let chunks = 0;
    while (!(await reader.read()).done) chunks++;
    return chunks;
  });
  truth(got >= 4, `${got} reads for 5 chunks`);
});

check('fetch: 103 Early Hints, then 200', async () => {
  equal(await inPage(async () => (await fetch('/hints')).status), 200, 'status');
});

check('the browser\'s cache: fresh, then validated by 304', async () => {
  const got = await inPage(async () => {
    const entry = async cache => {
      performance.clearResourceTimings();
      await (await fetch('/cache/60', { cache })).text();
      return performance.getEntriesByName(new URL('/cache/60', location.href).href).at(-1);
    };
    const [first, fresh, validated] = [await entry('reload'), await entry('default'), await entry('no-cache')];
    return [first.responseStatus, first.transferSize > 0, fresh.transferSize, validated.transferSize <= 400 && validated.transferSize > 0];
  });
  equal(got, [200, true, 0, true], 'transfers');
  // The page sees 200 for a 304; the network log knows.
  const statuses = browser.events.filter(e => e.method === 'Network.responseReceivedExtraInfo').map(e => e.params.statusCode);
  truth(statuses.includes(304), `no 304 among ${statuses.slice(-5)}`);
});

check('60 requests at once', async () => {
  const sizes = await inPage(async () => Promise.all(Array.from({ length: 60 }, async (_, i) =>
    (await (await fetch(`/bytes/${i * 100}`, { cache: 'no-store' })).arrayBuffer()).byteLength)));
  equal(sizes, Array.from({ length: 60 }, (_, i) => i * 100), 'sizes');
});

check('an aborted fetch does not disturb the next', async () => {
  const got = await inPage(async () => {
    const control = new AbortController();
    const response = await fetch('/bytes/1000000000', { signal: control.signal });
    await response.body.getReader().read();
    control.abort();
    return (await fetch('/hello')).text();
  });
  equal(got, 'hello, world\n', 'the next');
});

check('the page threw nothing', async () => {
  const expected = /status of (404|418|500)|favicon/;
  equal(browser.troubles().filter(t => !expected.test(t)), [], 'errors');
});

check('the browser closes', async () => {
  await browser.close();
});

await run();
