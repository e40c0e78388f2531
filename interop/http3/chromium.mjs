// A browser loads the demo over HTTP/3.
import { createHash, X509Certificate } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from '../lib/browser.mjs';
import { check, equal, run, truth } from '../lib/check.mjs';

const folder = mkdtempSync(join(tmpdir(), 'wirelace-http3-'));
const certificate = join(folder, 'cert.pem');
const server = spawn(process.env.WIRELACE_BIN, ['demo', '--listen', '127.0.0.1:0', '--plain', '127.0.0.1:0', '--write-cert', certificate, '--http', '1.1,2,3'],
  { stdio: ['ignore', 'ignore', 'pipe'] });
process.once('exit', () => { server.kill('SIGKILL'); rmSync(folder, { recursive: true, force: true }); });
let text = '';
const port = await new Promise((done, failed) => {
  server.stderr.setEncoding('utf8').on('data', data => {
    text += data;
    const found = /^listening https .*:(\d+) /m.exec(text);
    if (found) done(Number(found[1]));
  });
  server.once('exit', code => failed(new Error(`the server ended with ${code}: ${text}`)));
});
const base = `https://localhost:${port}`;
let browser;
const inPage = (...work) => browser.evaluate(...work);

check('the page opens over h3 and has checked itself', async () => {
  const key = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  const sum = createHash('sha256').update(key).digest('base64');
  browser = await Browser.start('--enable-quic', `--origin-to-force-quic-on=localhost:${port}`, '--host-resolver-rules=MAP localhost 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${sum}`);
  await browser.open(`${base}/`);
  await browser.waitFor(`document.body.dataset.ready === '1'`, 20);
  equal(await inPage(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h3', 'protocol of the page');
}, 60);

check('200 fetches at once: all over h3, all right', async () => {
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
  equal(got, { wrong: 0, protocols: ['h3'] }, 'wrong answers and protocols');
}, 60);

check('bodies there and back', async () => {
  const wrong = await inPage(async () => {
    const data = Uint8Array.from({ length: 300000 }, (_, at) => at % 251);
    const back = new Uint8Array(await (await fetch('/echo', { method: 'POST', body: data })).arrayBuffer());
    return back.length !== data.length || back.some((byte, at) => byte !== data[at]);
  });
  truth(!wrong, 'other octets came back');
}, 30);

await run();
