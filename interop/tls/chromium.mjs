// A browser loads the demo's page over https.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Browser } from '../lib/browser.mjs';
import { certificate, check, equal, pattern, run, tlsPort, truth } from '../lib/check.mjs';

const base = `https://localhost:${tlsPort}`;
const hash = data => createHash('sha256').update(data);
let browser;

check('the development certificate is refused while nobody trusts it', async () => {
  const wary = await Browser.start();
  try {
    const error = await wary.open(`${base}/`).then(() => new Error('the page opened'), error => error);
    truth(/ERR_CERT_AUTHORITY_INVALID/.test(error.message), error.message);
  } finally {
    await wary.close();
  }
}, 60);

check('trusted by the hash of its key, the page opens and has checked itself', async () => {
  const key = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  browser = await Browser.start(`--ignore-certificate-errors-spki-list=${hash(key).digest('base64')}`);
  await browser.open(`${base}/`);
  await browser.waitFor(`document.querySelector('main#wirelace')`, 10);
  await browser.waitFor(`document.body.dataset.ready === '1'`, 10);
}, 60);

check('what the browser says of the connection', async () => {
  const { response } = browser.events.find(e => e.method === 'Network.responseReceived' && e.params.type === 'Document').params;
  const { protocol, keyExchangeGroup, subjectName, sanList } = response.securityDetails;
  equal([protocol, keyExchangeGroup], ['TLS 1.3', 'X25519'], 'version and group');
  truth(sanList.includes('localhost'), `${subjectName}: ${sanList}`);
  equal(await browser.evaluate(() => [window.isSecureContext, performance.getEntriesByType('navigation')[0].nextHopProtocol]),
    [true, 'h2'], 'secure context and protocol');
});

check('fetch: 5 MB down and up, 40 at once', async () => {
  const got = await browser.evaluate(async size => {
    const data = await (await fetch(`/bytes/${size}`)).arrayBuffer();
    const upload = await (await fetch('/upload', { method: 'POST', body: data })).json();
    const many = await Promise.all(Array.from({ length: 40 }, async (_, i) =>
      (await (await fetch(`/bytes/${i * 100}`, { cache: 'no-store' })).arrayBuffer()).byteLength));
    return { wrong: new Uint8Array(data).findIndex((b, i) => b !== i % 251), upload, many };
  }, 5_000_000);
  const sum = hash(pattern(5_000_000)).digest('hex');
  equal([got.wrong, got.upload], [-1, { bytes: 5_000_000, sha256: sum }], 'both ways');
  equal(got.many, Array.from({ length: 40 }, (_, i) => i * 100), 'sizes');
});

check('the page threw nothing', async () => {
  equal(browser.troubles().filter(t => !/favicon/.test(t)), [], 'errors');
});

check('the browser closes', async () => {
  await browser.close();
});

await run();
