// The checks of one suite: each prints `ok NAME`, `FAIL NAME -- why`.
import { readFileSync, readdirSync } from 'node:fs';

const checks = [];
export const check = (name, run, seconds = 20) => checks.push({ name, run, seconds });

const show = value => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
};
export function equal(got, want, what = 'value') {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: got ${show(got)}, want ${show(want)}`);
}
export function truth(condition, why) {
  if (!condition) throw new Error(why);
}

const report = (verdict, name, why) =>
  console.log(`${verdict} ${name}${why ? ` -- ${why}` : ''}`.replace(/\s+/g, ' '));

// Runs what was registered, or what the command line names a part of.
export async function run() {
  const parts = process.argv.slice(2);
  let failed = 0;
  for (const { name, run, seconds } of checks.filter(c => !parts.length || parts.some(p => c.name.includes(p)))) {
    let timer;
    const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`not done after ${seconds} s`)), seconds * 1000); });
    try {
      await Promise.race([run(), late]);
      report('ok', name);
    } catch (error) {
      failed++;
      const where = /\((?:file:\/\/)?[^()]*\/([^/()]+\.mjs:\d+):\d+\)/g;
      const frame = [...(error.stack ?? '').matchAll(where)].map(m => m[1]).find(f => !f.startsWith('check.mjs'));
      report('FAIL', name, `${error.message}${error.code ? ` [${error.code}]` : ''}${frame ? ` (${frame})` : ''}`);
    } finally {
      clearTimeout(timer);
    }
  }
  console.log('end');
  process.exit(failed ? 1 : 0);
}

const pid = process.env.WIRELACE_PID;
export const address = process.env.WIRELACE_ADDR;
export const [host, port] = address.split(':');
export const base = `http://${address}`;
// The demo's listener with TLS, and the file with its certificate.
export const tlsPort = Number(process.env.WIRELACE_TLS_ADDR?.split(':').at(-1));
export const certificate = process.env.WIRELACE_CERT;

// The bytes start .. start + size of /bytes/N.
export function pattern(size, start = 0) {
  const data = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i++) data[i] = (start + i) % 251;
  return data;
}

// Bytes of the server that are in memory now.
export const resident = () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
export const openFiles = () => readdirSync(`/proc/${pid}/fd`).length;

// Runs `work` and throws when the server's memory grew by `limit` bytes or more meanwhile.
export async function flat(limit, work) {
  const before = resident();
  let most = 0;
  const timer = setInterval(() => { most = Math.max(most, resident() - before); }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  truth(most < limit, `memory grew by ${(most / 2 ** 20).toFixed(1)} MiB, limit ${limit / 2 ** 20}`);
}
