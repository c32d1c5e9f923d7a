// The Node-RED of a soak: a process of its own on this host, whose flows speak to whoever listens here, whose clock can be set, and
// which ends by either signal and starts again with the same user directory.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { freePort, makeUserDir, NODE_RED_4, ROOT } from '../package/node-red';
import type { Inside } from './inside';

/** What a flow said, as `inside.ts` passes it on. */
export interface Said {
  kind: string;
  id: string;
  told: Record<string, unknown>;
}

/** In the environment of everything that it starts, so that what outlives it is found. */
const MARK = 'ZFS_SOAK';
const START_MS = 120_000;

export class SoakRed {
  private child: ChildProcess | undefined;
  private port = 0;
  private insidePort = 0;
  /** Lines that no flow said, the newest last. */
  private readonly lines: string[] = [];
  private flowsStarted = false;

  private constructor(
    readonly userDir: string,
    private readonly heard: (said: Said) => void,
    private readonly adopt: (child: ChildProcess) => void,
  ) {}

  /** Has a user directory, and no process yet. */
  static async make(heard: (said: Said) => void, adopt: (child: ChildProcess) => void): Promise<SoakRed> {
    const userDir = await makeUserDir({ packageSource: ROOT });
    const red = new SoakRed(userDir, heard, adopt);
    // Also where somebody stops it: the lab ends the process then, and with it this Node-RED.
    process.once('exit', () => rmSync(userDir, { recursive: true, force: true }));
    const outfile = path.join(userDir, 'inside.js');
    const entry = path.join(__dirname, 'inside.ts');
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
    await writeFile(path.join(userDir, 'clock'), '0');
    await mkdir(red.temporary);
    const given = await readFile(path.join(userDir, 'settings.js'), 'utf8');
    const begin = `const soak = require(${JSON.stringify(outfile)}).begin(${JSON.stringify(path.join(userDir, 'clock'))});`;
    await writeFile(
      path.join(userDir, 'settings.js'),
      `${begin}\n${given}\nmodule.exports.functionGlobalContext = { soak };\n`,
    );
    return red;
  }

  /** What it writes that shall not last goes here. */
  get temporary(): string {
    return path.join(this.userDir, 'tmp');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isUp(): boolean {
    return this.child !== undefined;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** What the environment of its processes has. */
  get mark(): string {
    return `${MARK}=${path.basename(this.userDir)}`;
  }

  /** The newest lines of its log. */
  get log(): string {
    return this.lines.join('\n');
  }

  async start(): Promise<void> {
    this.port = await freePort();
    this.flowsStarted = false;
    this.insidePort = 0;
    const [name = '', value = ''] = this.mark.split('=');
    const child = spawn(NODE_RED_4.node, [NODE_RED_4.red, '-u', this.userDir, '-p', String(this.port)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', TMPDIR: this.temporary, [name]: value },
    });
    this.adopt(child);
    this.child = child;
    child.once('exit', () => {
      if (this.child === child) this.child = undefined;
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.line(line));
    }
    await this.untilStarted();
  }

  /** A deploy answers before its nodes are there. */
  async untilStarted(): Promise<void> {
    for (const until = Date.now() + START_MS; !(this.flowsStarted && this.insidePort > 0);) {
      if (!this.isUp || Date.now() > until) throw new Error(`Node-RED did not start:\n${this.log}`);
      await sleep(50);
    }
  }

  private line(line: string): void {
    if (line.startsWith('SOAK ')) {
      const said = JSON.parse(line.slice(5)) as Said;
      if (said.kind === 'inside') this.insidePort = said.told['port'] as number;
      else this.heard(said);
      return;
    }
    if (/Started (modified |)(flows|nodes)/.test(line)) this.flowsStarted = true;
    this.lines.push(line);
    if (this.lines.length > 400) this.lines.shift();
    if (/^\w*Error: |uncaught|unhandled|MaxListeners|TypeError|RangeError|out of memory/i.test(line)) {
      this.heard({ kind: 'broken', id: '', told: { line } });
    }
  }

  /** Milliseconds that it took; the directory stays. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
    const { child } = this;
    if (child === undefined) return 0;
    const before = performance.now();
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return performance.now() - before;
  }

  async close(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.userDir, { recursive: true, force: true });
  }

  inside(): Promise<Inside> {
    return this.json(`http://127.0.0.1:${this.insidePort}/look`) as Promise<Inside>;
  }

  /** The clock of this process, and of those that come after it. */
  async setClock(aheadMs: number): Promise<void> {
    await writeFile(path.join(this.userDir, 'clock'), String(aheadMs));
    if (this.isUp) await this.json(`http://127.0.0.1:${this.insidePort}/clock?ahead=${aheadMs}`);
  }

  get(resource: string): Promise<unknown> {
    return this.json(`${this.url}/${resource}`);
  }

  async text(resource: string): Promise<string> {
    return (await fetch(`${this.url}/${resource}`)).text();
  }

  post(resource: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    const all = { 'content-type': 'application/json', ...headers };
    return this.json(`${this.url}/${resource}`, { method: 'POST', headers: all, body: JSON.stringify(body) });
  }

  async deploy(flows: readonly object[], type: 'full' | 'nodes' = 'full'): Promise<void> {
    this.flowsStarted = false;
    await this.post('flows', flows, { 'Node-RED-Deployment-Type': type });
  }

  /** Status 204 has no body. */
  private async json(url: string, options: RequestInit = {}): Promise<unknown> {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000), ...options });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url}: HTTP status ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}
