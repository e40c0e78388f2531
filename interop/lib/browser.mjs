// Drives a headless Chromium through its debugging pipe: no port, no package.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Without the background flags it looks for the network it does not need.
const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--remote-debugging-pipe',
];

export class Browser {
  static async start(...flags) {
    const browser = new Browser();
    browser.profile = await mkdtemp(join(tmpdir(), 'wirelace-chromium-'));
    browser.child = spawn(process.env.CHROMIUM ?? 'chromium', [...FLAGS.filter(flag => flag !== '--disable-quic' || !flags.includes('--enable-quic')), ...flags, `--user-data-dir=${browser.profile}`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.ended = new Promise(done => browser.child.once('exit', done));
    process.once('exit', () => browser.child.exitCode ?? browser.child.kill('SIGKILL'));
    browser.waiting = new Map();
    browser.events = [];
    browser.count = 0;
    const [, , , commands, answers] = browser.child.stdio;
    browser.commands = commands;
    const fail = why => browser.waiting.forEach(({ no }) => no(new Error(`chromium: ${why}`)));
    browser.child.once('error', error => fail(error.message));
    browser.child.once('exit', code => fail(`ended with ${code}`));
    commands.on('error', () => {});
    let text = '';
    answers.setEncoding('utf8').on('data', data => {
      // Messages are JSON, each closed by a NUL.
      const parts = (text + data).split('\0');
      text = parts.pop();
      parts.forEach(part => browser.receive(JSON.parse(part)));
    });
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    ({ sessionId: browser.session } = await browser.send('Target.attachToTarget', { targetId, flatten: true }));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.send(`${domain}.enable`);
    return browser;
  }

  send(method, params = {}) {
    const id = ++this.count;
    this.commands.write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    return new Promise((yes, no) => this.waiting.set(id, { yes, no }));
  }

  receive(message) {
    if (!message.id) return void this.events.push(message);
    const { yes, no } = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) no(new Error(message.error.message)); else yes(message.result);
  }

  async open(url) {
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
  }

  // Runs an async function in the page and brings its value back.
  async evaluate(work, ...values) {
    const expression = `(${work})(...${JSON.stringify(values)})`;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description?.split('\n')[0] ?? exceptionDetails.text);
    return result.value;
  }

  async waitFor(expression, seconds) {
    const until = Date.now() + seconds * 1000;
    while (!(await this.evaluate(`() => Boolean(${expression})`))) {
      if (Date.now() > until) throw new Error(`not true within ${seconds} s: ${expression}`);
      await new Promise(done => setTimeout(done, 50));
    }
  }

  // What the page threw or the browser logged as an error.
  troubles() {
    const text = event => {
      if (event.method === 'Runtime.exceptionThrown') return event.params.exceptionDetails.exception?.description ?? event.params.exceptionDetails.text;
      if (event.method === 'Log.entryAdded' && event.params.entry.level === 'error') return `${event.params.entry.text} ${event.params.entry.url ?? ''}`;
    };
    return this.events.map(text).filter(Boolean);
  }

  async screenshot() {
    return Buffer.from((await this.send('Page.captureScreenshot')).data, 'base64');
  }

  async close() {
    await this.send('Browser.close').catch(() => {});
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(timer);
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
