// What the survey of other tools collected as ways to lose data or to get stuck (test/unit/index/scenarios.test.ts names them
// all), as far as no other file shows it: bases, clocks, tokens, and streams that lie.
import assert from 'node:assert/strict';
import { generateKeyPair } from '../../../src/host/ssh/key-pair';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { assertTidy, type Job, jobOf, until } from '../../support/job';
import { usePair } from '../../support/machines';
import { pretend, truth } from '../../support/pretend';

const MB = 1 << 20;

describe('scenarios of replication', function () {
  this.timeout(300_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let commands: string[];
  let counter = 0;

  usePair((pair) => ({ a, b, engine } = pair), 'engine per test');
  beforeEach(() => {
    commands = [];
    for (const id of ['a', 'b']) engine.resolve(id).onCommand((line) => commands.push(line));
  });

  async function job(...snapshots: string[]): Promise<Job> {
    const [source, target] = [`tank/c${++counter}`, `backup/c${counter}`];
    await a.createDataset(source);
    for (const name of snapshots) await a.snapshot(source, name);
    return jobOf(source, target);
  }

  /** A copy that has @1, a source with @2 of `mb` MiB, and a resumable partial receive of it that our own run left. */
  async function cutShort(mb = 12): Promise<Job> {
    const one = await job('1');
    await engine.replicate(one.options);
    await a.writeRandom(one.source, 'data', mb);
    await a.snapshot(one.source, '2');
    await a.link.limit(4 * MB);
    const abort = new AbortController();
    const running = engine.replicate(one.options, abort.signal);
    await until(() => token(one).then((text) => text !== '-'));
    abort.abort();
    await assert.rejects(running, { code: 'CANCELLED' });
    await a.link.limit(0);
    commands.length = 0;
    return one;
  }

  const token = async ({ target }: Job): Promise<string> => b.property(target, 'receive_resume_token');
  const sent = (): string[] => commands.filter((line) => /zfs send (?!.*-n)/.test(line));

  describe('base', () => {
    it('of the same name, but another snapshot, is none: refused with both, the target as it was [C1 2]', async () => {
      const one = await job('a', 'b');
      await a.writeFile(one.source, 'file', 'content');
      await engine.replicate(one.options);
      const before = await b.digest(`${one.target}@b`);
      await a.run(['zfs', 'destroy', `${one.source}@b`]);
      for (const { name } of await a.bookmarks(one.source)) await a.run(['zfs', 'destroy', `${one.source}#${name}`]);
      await a.snapshot(one.source, 'b');
      const error = await engine.refuse('TARGET_DIVERGED', one.options);
      assert.deepEqual(
        [error.details?.['common'], error.details?.['targetOnly'], error.details?.['sameNameOtherSnapshot']],
        ['a', ['b'], ['b']],
      );
      assert.match(error.message, /@b have the same name but are other snapshots/);
      assert.deepEqual([await b.snapshotNames(one.target), await b.digest(`${one.target}@b`)], [['a', 'b'], before]);
    });

    it('is a bookmark where that is newer than the newest common snapshot [C1 5]', async () => {
      const one = await job('1', '2', '3');
      await engine.replicate(one.options);
      await a.run(['zfs', 'bookmark', `${one.source}@3`, `${one.source}#mine`]);
      await a.run(['zfs', 'destroy', `${one.source}@2,3`]);
      commands.length = 0;
      await a.snapshot(one.source, '4');
      const result = await engine.replicate(one.options);
      assert.deepEqual(
        [result.datasets[0]?.base?.kind, await b.snapshotNames(one.target)],
        ['bookmark', ['1', '2', '3', '4']],
      );
      assert.equal(sent().length, 1);
    });

    it('may be what the filter leaves out; runs go as one -I, gaps are hopped over [C1 6] [C1 7]', async () => {
      const one = await job('h0');
      await engine.replicate(one.options);
      for (const name of ['d1', 'h1', 'd2', 'd3', 'd5', 'h2', 'd4']) await a.snapshot(one.source, name);
      commands.length = 0;
      await engine.replicate({ ...one.options, snapshotSelection: 'regex', nameRegex: '^d' });
      assert.deepEqual(await b.snapshotNames(one.target), ['h0', 'd1', 'd2', 'd3', 'd5', 'd4']);
      const steps = sent().map((line) => /-[iI] \S+ \S+/.exec(line)?.[0].replaceAll(one.source, ''));
      assert.deepEqual(steps, ['-i @h0 @d1', '-i @d1 @d2', '-I @d2 @d5', '-i @d5 @d4']);
    });

    it('follows creation, not the clock, which goes back and stands still [C1 13]', async () => {
      const one = await job();
      await a.sh(
        `zfs snapshot "$1@one" && zfs snapshot "$1@same second" && now=$(date +%s) && date -s "@$((now - 7200))" >/dev/null &&
         zfs snapshot "$1@earlier"; code=$?; date -s "@$((now + 1))" >/dev/null; exit $code`,
        { args: [one.source] },
      );
      await engine.replicate(one.options);
      assert.deepEqual(await b.snapshotNames(one.target), ['one', 'same second', 'earlier']);
      await a.sh('now=$(date +%s); date -s "@$((now - 7200))" >/dev/null; zfs snapshot "$1@again"; date -s "@$((now + 1))" >/dev/null', { args: [one.source] }); // prettier-ignore
      assert.deepEqual((await engine.replicate(one.options)).datasets[0]?.snapshots, ['again']);
      await assertSame(a, one.source, b, one.target);
    });

    it('may have any name that ZFS takes [C1 14]', async () => {
      const one = await job('0', '-x', '_', '..a', 'a b', 'x:y', '-', 'A.b-c_d:e f');
      await engine.replicate(one.options);
      await a.snapshot(one.source, '00');
      await engine.replicate(one.options);
      await assertSame(a, one.source, b, one.target);
      await assertTidy(a, one.source, b, one.target);
    });
  });

  describe('partial receive', () => {
    it('keeps its snapshot from being destroyed, and one that is gone all the same costs nothing more than itself [C1 23] [C1 24]', async () => {
      const one = await cutShort();
      const held = await a.run(['zfs', 'destroy', `${one.source}@2`], { check: false });
      assert.match(held.stderr, /hold|busy/);
      // Its base has a bookmark, which is enough.
      await a.run(['zfs', 'destroy', `${one.source}@1`]);
      for (const tag of await a.holds(`${one.source}@2`)) await a.run(['zfs', 'release', tag, `${one.source}@2`]);
      await a.run(['zfs', 'destroy', `${one.source}@2`]);
      await a.snapshot(one.source, '3');
      const result = await engine.replicate(one.options);
      assert.deepEqual([result.datasets[0]?.base?.kind, await b.snapshotNames(one.target)], ['bookmark', ['1', '3']]);
      assert.deepEqual([await token(one), sent().filter((line) => / -t /.test(line))], ['-', []]);
      await assertTidy(a, one.source, b, one.target);
    });

    it('of another dataset or of the other kind is never continued, and planning leaves it alone [C1 25] [C1 26]', async () => {
      const other = await job();
      await a.writeRandom(other.source, 'data', 8);
      await a.snapshot(other.source, '1');
      const one = await job('1');
      const cut = 'zfs send -L -c "$1@1" | head -c 3000000 | ssh b "zfs receive -s -u \'$2\'" 2>/dev/null || true';
      await a.sh(cut, { args: [other.source, one.target] });
      const before = await token(one);
      assert.notEqual(before, '-');
      const plan = await engine.replicate({ ...one.options, mode: 'plan', partialReceive: 'abort' });
      assert.match(plan.datasets[0]?.warnings.join() ?? '', /of another dataset/);
      assert.equal(await token(one), before);
      await engine.refuse('TARGET_BUSY_PARTIAL', one.options);
      assert.equal(await token(one), before);
      await engine.replicate({ ...one.options, partialReceive: 'abort' });
      await assertSame(a, one.source, b, one.target);
      assert.deepEqual(sent().filter((line) => / -t /.test(line)), []); // prettier-ignore
    });

    it('that another process is still writing is waited for [C1 27]', async () => {
      const one = await job('1');
      await engine.replicate(one.options);
      await a.writeRandom(one.source, 'data', 3);
      await a.snapshot(one.source, '2');
      const stream = 'zfs send -L -c -i @1 "$1@2" | (head -c 1000000; sleep 6) | ssh b zfs receive -s -u "$2" || true';
      const other = a.sh(stream, { args: [one.source, one.target] });
      await until(async () => /zfs receive/.test((await b.run(['ps', '-A', '-o', 'args='])).stdout));
      await engine.replicate({ ...one.options, retries: 20, partialReceive: 'abort' });
      await other;
      assert.ok(engine.events.some(({ event }) => event === 'retry'));
      await assertSame(a, one.source, b, one.target);
      await assertTidy(a, one.source, b, one.target);
    });
  });

  describe('stream', () => {
    it('whose sender fails is no success, although everything arrived and the receiver says so [C1 29]', async () => {
      const one = await job('1');
      await a.writeRandom(one.source, 'data', 2);
      await a.snapshot(one.source, '2');
      await pretend(a, 'case " $* " in *" -n"*) ;; " send "*) "$ZFS" "$@"; exit 1 ;; esac');
      try {
        const error = await engine.refuse('TRANSFER_FAILED', { ...one.options, retries: 1 });
        assert.equal(engine.partial?.state, 'failed', error.message);
      } finally {
        await truth(a);
      }
      await engine.replicate(one.options);
      await assertSame(a, one.source, b, one.target);
      await assertTidy(a, one.source, b, one.target);
    });

    it('with a wrong byte is refused by the receiver and sent anew [C1 30]', async () => {
      const one = await job();
      await a.writeRandom(one.source, 'data', 6);
      await a.snapshot(one.source, '1');
      await pretend(
        a,
        `case " $* " in *" -n"*) ;; " send "*) if [ -e /run/flip ]; then rm /run/flip
           "$ZFS" "$@" | { head -c 3000000; printf XYZ; head -c 3 >/dev/null; cat; }; exit 0; fi ;; esac`,
      );
      await a.run(['touch', '/run/flip']);
      try {
        await engine.replicate(one.options);
      } finally {
        await truth(a);
      }
      assert.match(engine.events.find(({ event }) => event === 'retry')?.message ?? '', /checksum|corrupt|invalid/i);
      assert.equal(sent().length, 2);
      await assertSame(a, one.source, b, one.target);
      await assertTidy(a, one.source, b, one.target);
    });

    it('that breaks twice needs two retries, and a door that stays shut none [C1 32]', async () => {
      const one = await job();
      await a.writeRandom(one.source, 'data', 12);
      await a.snapshot(one.source, '1');
      await a.link.limit(8 * MB);
      const running = engine.replicate(one.options);
      for (let cut = 0; cut < 2; cut++) {
        await b.link.cutAfter(3 * MB, 'reset');
        await b.link.tripped();
      }
      await running;
      await assertSame(a, one.source, b, one.target);
      const retries = (): number => engine.events.filter(({ event }) => event === 'retry').length;
      assert.equal(retries(), 2);
      const { privateKey } = await generateKeyPair('ed25519');
      engine.add(b, { id: 'wrong key', auth: { method: 'privateKey', privateKey } });
      engine.add(b, { id: 'wrong host', hostKeys: a.hostKey.replace(/.{8}$/, 'AAAAAAAA') });
      await engine.refuse('AUTHENTICATION_FAILED', { ...one.options, targetConnection: 'wrong key' });
      await engine.refuse('HOST_KEY_MISMATCH', { ...one.options, targetConnection: 'wrong host' });
      assert.equal(retries(), 2);
    });

    it('tells its progress up to 100 %, with what is left, never back, also resumed [C1 75]', async () => {
      const one = await job();
      await a.writeRandom(one.source, 'data', 16);
      await a.snapshot(one.source, '1');
      await a.writeRandom(one.source, 'more', 4);
      await a.snapshot(one.source, '2');
      // Progress is told once a second.
      await a.link.limit(4 * MB);
      await b.link.cutAfter(6 * MB, 'reset');
      await engine.replicate(one.options);
      const all = engine.events.filter(({ event }) => event === 'progress');
      assert.ok(all.length >= 4, `${all.length} events`);
      for (const key of ['bytes', 'percent']) {
        const values = all.map((event) => Number(event[key]));
        assert.deepEqual(values, values.toSorted((x, y) => x - y), key); // prettier-ignore
      }
      const last = all.at(-1);
      assert.deepEqual([last?.['percent'], last?.['bytes'], last?.['etaSeconds']], [100, last?.['totalBytes'], 0]);
      assert.ok(all.some(({ etaSeconds, rate }) => Number(etaSeconds) > 0 && Number(rate) > 0));
    });
  });

  describe('source', () => {
    it('of which a part goes during the run costs that part alone [C1 18]', async () => {
      const one = await job();
      for (const child of ['a', 'b', 'c']) await a.createDataset(`${one.source}/${child}`);
      await a.writeRandom(one.source, 'data', 6);
      await a.snapshot(one.source, '1', { recursive: true });
      await a.link.limit(3 * MB);
      const options = { ...one.options, recursive: true, holdPending: false, retries: 2 };
      const running = engine.refuse('PARTIAL_FAILURE', options);
      await until(async () => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 0));
      // It goes before its turn comes, however busy the machine is.
      await a.link.limit(MB / 4);
      await a.destroy(`${one.source}/b`);
      await a.link.limit(0);
      const error = await running;
      assert.equal(error.dataset, `${one.source}/b`);
      assert.equal(engine.partial?.state, 'partial');
      assert.deepEqual(
        engine.partial.datasets.map(({ source, error: failed }) => [
          source.slice(one.source.length),
          failed?.code ?? '',
        ]),
        [['', ''], ['/a', ''], ['/b', 'DATASET_NOT_FOUND'], ['/c', '']], // prettier-ignore
      );
      for (const child of ['', '/a', '/c']) await assertSame(a, one.source + child, b, one.target + child);
    });

    it('that is encrypted diverges in words that a person understands, when its raw copy got a snapshot [C1 39]', async () => {
      const one = await job();
      const source = `${one.source}/secret`;
      await a.run(['zfs', 'create', '-o', 'encryption=on', '-o', 'keyformat=passphrase', source], { stdin: 'passphrase\n' }); // prettier-ignore
      await a.snapshot(source, '1');
      const options = { ...one.options, sourceDatasets: [source] };
      await engine.replicate(options);
      await b.snapshot(one.target, 'theirs');
      await a.snapshot(source, '2');
      const error = await engine.refuse('TARGET_DIVERGED', options);
      assert.deepEqual(error.details?.['targetOnly'], ['theirs']);
      assert.match(error.message, /newer than the last common one @1: @theirs/);
    });

    it('with hostile properties has them copied, not executed [C1 72]', async () => {
      const one = await job();
      const hostile = `$(touch /run/pwned) \`touch /run/pwned\` ' " ; touch /run/pwned\n\ttouch /run/pwned`;
      const source = `${one.source}/secret`;
      await a.run(['zfs', 'create', '-o', 'encryption=on', '-o', 'keyformat=passphrase', source], { stdin: 'passphrase\n' }); // prettier-ignore
      await a.run(['zfs', 'set', `user:odd=${hostile}`, source]);
      await a.snapshot(source, '1');
      for (const raw of ['never', 'auto']) {
        const target = `${one.target}-${raw}`;
        await engine.replicate({ ...one.options, sourceDatasets: [source], targetDataset: target, raw });
        assert.equal(await b.property(target, 'user:odd'), await a.property(source, 'user:odd'));
      }
      for (const machine of [a, b]) assert.equal((await machine.run(['ls', '/run/pwned'], { check: false })).code, 2);
    });

    it('with many datasets costs no more commands than one with few [C1 69]', async () => {
      const used: number[][] = [];
      const one = await job();
      for (const count of [4, 24]) {
        await a.sh('i=1; while [ $i -le $2 ]; do zfs list "$1/$i" >/dev/null 2>&1 || zfs create -u "$1/$i"; i=$((i + 1)); done', { args: [one.source, String(count)] }); // prettier-ignore
        for (let index = 0; index < 5; index++) await a.snapshot(one.source, `s${count}-${index}`, { recursive: true });
        const options = { ...one.options, recursive: true, parallelDatasets: 4 };
        await engine.replicate(options);
        const hosts = ['a', 'b'].map((id) => engine.resolve(id));
        const before = hosts.map(({ counters }) => counters.commands);
        const result = await engine.replicate(options);
        assert.deepEqual([result.bytes, result.datasets.length], [0, count + 1]);
        used.push(hosts.map(({ counters }, index) => counters.commands - (before[index] ?? 0)));
      }
      const [few = [], many = []] = used;
      assert.deepEqual(many, few);
      assert.ok((many[0] ?? 0) + (many[1] ?? 0) <= 6, `commands: ${many.join(' + ')}`);
    });
  });
});

/** Waits for what another process or machine does; fails after a minute. */
