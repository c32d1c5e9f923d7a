// Two Node-REDs run the same replication at the same time, and know nothing of each other. Both succeed, neither hangs, and
// after the last success no step hold and no tentative bookmark of ours is left, whoever made it.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REPOSITORY, type Machine } from '../../lab/machine';
import { assertSame, connectOptions, Engine, marks } from '../../support/engine';
import { HandHost } from '../../support/hand';
import { type Job, jobOf } from '../../support/job';
import { usePair } from '../../support/machines';

const ROUNDS = Number(process.env['ROUNDS'] ?? 4);

describe('two controllers with the same replication', function () {
  this.timeout(900_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;
  usePair((pair) => ({ a, b, engine } = pair));

  async function job(...snapshots: string[]): Promise<Job> {
    const [source, target] = [`tank/t${++counter}`, `backup/t${counter}`];
    await a.createDataset(source);
    for (const name of snapshots) await a.snapshot(source, name);
    return jobOf(source, target, { createSnapshot: 'never' });
  }

  async function assertClean({ source, target }: Job, after: string): Promise<void> {
    await assertSame(a, source, b, target);
    const { tentative, holds } = await marks(a, source);
    assert.deepEqual([tentative, holds], [[], []], after);
  }

  /** Another engine that waits before its n-th command until the returned function is called. */
  function paused(n: number): { other: Engine; reached: Promise<string>; goOn: () => void } {
    const other = new Engine();
    let goOn = (): void => undefined;
    const released = new Promise<void>((resolve) => (goOn = resolve));
    let tell: (command: string) => void = () => undefined;
    const reached = new Promise<string>((resolve) => (tell = resolve));
    let count = 0;
    for (const machine of [a, b]) {
      const host = new HandHost(connectOptions(machine));
      host.each((command) => {
        if (count++ !== n) return undefined;
        tell(command);
        return () => released;
      });
      other.hosts.set(machine.name, host);
    }
    return { other, reached, goOn };
  }

  const phases: [string, (one: Job) => Promise<unknown>][] = [
    ['a first copy', async () => undefined],
    [
      'an incremental',
      async (one) => {
        await engine.replicate(one.options);
        await a.snapshot(one.source, 'next');
      },
    ],
    [
      'many snapshots after a base without a bookmark',
      async (one) => {
        await engine.replicate({ ...one.options, holdPending: false });
        for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) await a.snapshot(one.source, name);
      },
    ],
  ];
  for (const [what, prepare] of phases) {
    it(`leave nothing behind when one waits before each of its commands while the other runs: ${what}`, async () => {
      for (let n = 0, ended = false; !ended; n++) {
        const one = await job('1', '2');
        await prepare(one);
        const { other, reached, goOn } = paused(n);
        const second = other.replicate(one.options);
        const stopped = await Promise.race([reached, second.then(() => '')]);
        await engine.replicate(one.options);
        goOn();
        await second;
        await other.close();
        await assertClean(one, `before "${stopped}" (${n})`);
        ended = stopped === '';
      }
    });
  }

  interface Ended {
    result?: { state: string };
    error?: { code: string; message: string };
  }

  const children = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  /** A Node-RED of its own, as far as this run is concerned. */
  function start(options: Record<string, unknown>): { child: ChildProcess; ended: Promise<Ended> } {
    const hosts = [connectOptions(a), connectOptions(b)];
    const input = JSON.stringify({ options: { retryDelay: 0.2, ...options }, hosts });
    const fixture = path.join(REPOSITORY, 'test/zfs/replication/replicate.fixture.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', fixture, input], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: REPOSITORY,
    });
    children.add(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', () => {
        children.delete(child);
        resolve(text === '' ? {} : (JSON.parse(text) as Ended));
      });
    });
    return { child, ended };
  }

  const sizes: [string, number, Record<string, unknown>][] = [
    ['small streams', 0, {}],
    ['streams of some seconds', 12, {}],
    ['streams of some seconds that cannot be resumed', 12, { resumable: false }],
  ];
  for (const [what, megabytes, more] of sizes) {
    it(`both succeed in two processes: ${what}`, async () => {
      const one = await job('1');
      for (let round = 0; round < ROUNDS; round++) {
        if (megabytes > 0) await a.writeRandom(one.source, `data${round}`, megabytes);
        for (const name of ['a', 'b', 'c']) await a.snapshot(one.source, `${round}-${name}`);
        if (megabytes > 0) await a.link.limit(4 << 20);
        const options = { ...one.options, ...more };
        const runs = [start(options), start(options)];
        for (const { ended } of runs) {
          const { result, error } = await ended;
          assert.equal(result?.state, 'success', `${error?.code}: ${error?.message}`);
        }
        await a.link.limit(0);
        await assertClean(one, `round ${round}`);
      }
    });
  }

  it('leave nothing behind after a success, though one of them was killed', async () => {
    const one = await job('1');
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of ['a', 'b', 'c']) await a.snapshot(one.source, `${round}-${name}`);
      const [first, second] = [start(one.options), start(one.options)];
      const life = 900 + Math.random() * 1500;
      const timer = setTimeout(() => second.child.kill('SIGKILL'), life);
      const { result, error } = await first.ended;
      assert.equal(result?.state, 'success', `${error?.code}: ${error?.message}`);
      await second.ended;
      clearTimeout(timer);
      await engine.replicate(one.options);
      await assertClean(one, `round ${round}, killed after ${Math.round(life)} ms`);
    }
  });

  const ranges: [string, 'killed' | 'after'][] = [
    ['less', 'after'],
    ['more', 'killed'],
  ];
  for (const [what, small] of ranges) {
    it(`leave nothing behind where one that covers ${what} comes after one that was killed`, async () => {
      const whole = await job();
      const child = `${whole.source}/child`;
      await a.createDataset(child);
      const options = { ...whole.options, recursive: true };
      const part = { ...options, sourceDatasets: [child], targetDataset: `${whole.target}/child` };
      const snapshot = (name: string): Promise<unknown> => a.snapshot(whole.source, name, { recursive: true });
      await snapshot('1');
      await engine.replicate(options);
      await a.writeRandom(child, 'data', 12);
      for (const name of ['a', 'b', 'c']) await snapshot(name);
      await a.link.limit(4 << 20);
      const killed = start(small === 'killed' ? part : options);
      while ((await marks(a, child)).holds.length === 0) await sleep(100);
      killed.child.kill('SIGKILL');
      await killed.ended;
      await a.link.limit(0);
      assert.notDeepEqual((await marks(a, child)).tentative, [], 'nothing was left by the one that was killed');
      await engine.replicate(small === 'after' ? part : options);
      const { tentative, holds } = await marks(a, child);
      assert.deepEqual([tentative, holds], [[], []]);
    });
  }
});
