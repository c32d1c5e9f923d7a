// `npm start` as a person uses it: the address answers, the palette and the example flows are there, both machines
// run, and however it is ended, nothing of it stays.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowNode } from '../../scripts/demo/flows';
import { bornAt, type LabRecord } from '../lab/leftovers';

const ROOT = path.resolve(__dirname, '../..');

interface Session {
  child: ChildProcess;
  port: number;
  /** All files of the session, if it keeps to $TMPDIR. */
  scratch: string;
  said: () => string;
}

const sessions: Session[] = [];

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}

/** Starts it in a process group of its own, like a terminal's foreground job, and waits for `sign` in its output. */
async function start(argv: readonly string[], sign: RegExp): Promise<Session> {
  const port = await freePort();
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'start-'));
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  sessions.push({ child, port, scratch, said: () => said });
  while (!sign.test(said)) {
    assert.equal(child.exitCode, null, said);
    await sleep(50);
  }
  return { child, port, scratch, said: () => said };
}

/** Processes that the session has started, machines included, whoever their parent is by now. */
function processesOf({ port }: Session): string[] {
  const marked = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`PORT=${port}`);
    } catch {
      return false; // has ended
    }
  };
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && bornAt(Number(pid)) !== null && marked(pid));
}

/** Files apart from compilers' caches; what of its labs is outside its folder is known by the same name. */
function filesOf({ scratch }: Session, labs: readonly LabRecord[]): string[] {
  const outside = labs.flatMap(({ namespace, disks }) => [`/run/netns/${namespace}`, disks]);
  const inside = readdirSync(scratch).filter((name) => !/^(tsx-|node-compile-cache|v8-compile-cache)/.test(name));
  return [...outside.filter((file) => existsSync(file)), ...inside];
}

function labsOf({ scratch }: Session): LabRecord[] {
  return readdirSync(scratch)
    .map((name) => path.join(scratch, name, 'lab.json'))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as LabRecord);
}

/** Sends the signal, to the group as a terminal does or to the process alone, and looks what is left after the end. */
async function endedBy(session: Session, signal: NodeJS.Signals, whom: 'group' | 'process'): Promise<void> {
  const { child, scratch } = session;
  const labs = labsOf(session);
  const pid = child.pid ?? 0;
  process.kill(whom === 'group' ? -pid : pid, signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  const left = (): string[] => [...processesOf(session), ...filesOf(session, labs)];
  for (let i = 0; i < 200 && left().length > 0; i++) await sleep(50);
  assert.deepEqual(left(), [], session.said());
  rmSync(scratch, { recursive: true });
}

/** Presses a button of the editor, known by its name. */
async function press({ port }: Session, flows: readonly FlowNode[], button: string): Promise<void> {
  const inject = flows.find((node) => node.type === 'inject' && node['name'] === button);
  assert.ok(inject, `there is a button "${button}"`);
  const pressed = await fetch(`http://127.0.0.1:${port}/inject/${encodeURIComponent(inject.id)}`, { method: 'POST' });
  assert.equal(pressed.status, 200);
}

/** `dataset@snapshot guid` of everything below a dataset of one of the machines, without the common prefix. */
function snapshotsOn({ scratch }: Session, machine: string, dataset: string): string[] {
  const lab = readdirSync(scratch).find((name) => name.startsWith('zfslab-')) ?? '';
  const script = path.join(ROOT, 'test/lab/zfs-lab');
  const argv = ['exec', machine, '--', 'zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', 'name,guid', dataset];
  const env = { ...process.env, ZFS_LAB_STATE: path.join(scratch, lab, 'state') };
  const { status, stdout } = spawnSync(script, argv, { env, encoding: 'utf8' });
  if (status !== 0) return []; // not there yet
  return stdout.split('\n').filter(Boolean).map((line) => line.slice(dataset.length)); // prettier-ignore
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 150_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `waited 150 s for this: ${what}`);
    await sleep(300);
  }
}

// What the README promises: one button, and snapshots arrive on the other machine; another, and old ones are gone.
async function replicatesAndPrunes(session: Session, flows: readonly FlowNode[]): Promise<void> {
  const there = (): string[] => snapshotsOn(session, 'nas1', 'tank/data');
  await press(session, flows, 'Replicate now');
  await until('nas2 has what nas1 has', () => {
    const [source, target] = [there(), snapshotsOn(session, 'nas2', 'backup/data')];
    return source.some((line) => line.includes('@manual-')) && JSON.stringify(source) === JSON.stringify(target);
  });
  const before = there();
  await press(session, flows, 'Every night at 2:30');
  await until('old snapshots of nas1 are gone', () => {
    const now = there();
    return now.some((line) => !before.includes(line)) && before.filter((line) => !now.includes(line)).length > 10;
  });
}

describe('npm start', function () {
  this.timeout(400_000);
  const direct = [process.execPath, '--require', 'tsx/cjs', 'scripts/demo/start.ts'];
  afterEach(() => {
    for (const { child } of sessions.splice(0)) if (child.exitCode === null) child.kill('SIGTERM');
  });
  const ready = /Node-RED runs at/;

  it('shows the nodes and the wired examples, and Ctrl-C leaves nothing', async () => {
    const session = await start(direct, /Ctrl-C here/);
    const get = async (where: string): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${session.port}/${where}`, {
        headers: { accept: 'application/json' },
      });
      return answer.json();
    };
    const modules = (await get('nodes')) as { module: string; types: string[]; err?: unknown }[];
    const ours = modules.filter(({ module }) => module === '@zfs-flows/node-red-zfs-replication');
    assert.deepEqual(ours.flatMap(({ types }) => types).toSorted(), [
      'zfs-list-snapshots',
      'zfs-replicate',
      'zfs-retention-prune',
      'zfs-snapshot',
      'zfs-ssh-connection',
      'zfs-verify',
    ]);
    assert.deepEqual(
      ours.filter(({ err }) => err !== undefined),
      [],
    );
    const flows = (await get('flows')) as FlowNode[];
    const connections = flows.filter(({ type }) => type === 'zfs-ssh-connection').map(({ id }) => id);
    assert.deepEqual(connections, ['zfs-lab-nas1', 'zfs-lab-nas2']);
    const examples = readdirSync(path.join(ROOT, 'examples')).filter((file) => file.endsWith('.json'));
    assert.ok(examples.length >= 4, 'there are examples');
    assert.equal(flows.filter(({ type }) => type === 'tab').length, examples.length);
    assert.match(session.said(), /press the button left of/);

    await replicatesAndPrunes(session, flows);

    assert.equal(labsOf(session).length, 1);
    await endedBy(session, 'SIGINT', 'group');
    assert.equal(session.child.exitCode, 0, session.said());
  });

  it('leaves nothing when it is ended while it boots', async () => {
    const session = await start(direct, /Booting nas1/);
    await sleep(700); // somewhere in the boot; whichever step it hits must be undone
    await endedBy(session, 'SIGINT', 'group');
  });

  it('leaves nothing when npm gets SIGTERM', async () => {
    const session = await start(['npm', 'start'], ready);
    await endedBy(session, 'SIGTERM', 'process');
  });

  it('leaves nothing when it is killed', async () => {
    const session = await start(direct, ready);
    await endedBy(session, 'SIGKILL', 'process');
  });

  it('says so when the port is taken', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const [program = '', ...rest] = direct;
    const child = spawn(program, rest, { cwd: ROOT, env: { ...process.env, PORT: String(port) } });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    server.close();
    assert.equal(code, 1);
    assert.match(said, new RegExp(`Port ${port} of 127.0.0.1 is taken`));
  });
});
