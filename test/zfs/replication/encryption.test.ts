// Encryption on real ZFS: the eight combinations of plain and encrypted source and target, keys of the target's own, resumed
// receives, chains that must not change their kind, and secrets that nobody gets to see.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../../src/base/errors';
import { Secret } from '../../../src/base/secret';
import { processTag } from '../../../src/replication/execute/process-tag';
import { destinationId } from '../../../src/zfs/marks';
import type { Machine } from '../../lab/machine';
import { assertSame, type Engine } from '../../support/engine';
import { relay, until } from '../../support/job';
import { usePair } from '../../support/machines';
import { pretend, truth } from '../../support/pretend';

const MB = 1 << 20;
const HEX = randomBytes(32).toString('hex');

describe('encryption on real ZFS', function () {
  this.timeout(240_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;

  usePair((pair) => ({ a, b, engine } = pair));
  before(async () => {
    await Promise.all([encrypted(a, 'tank/secret'), encrypted(b, 'backup/vault')]);
    await a.createDataset('tank/plain');
    for (const dataset of ['tank/plain', 'tank/secret']) {
      await a.run(['zfs', 'set', 'compression=gzip', 'my:note=two words', dataset]);
      await a.writeRandom(dataset, 'file', 2);
      await a.snapshot(dataset, 's1');
    }
  });
  beforeEach(() => {
    engine.encryptionKey = null;
    engine.events.length = 0;
  });

  async function encrypted(machine: Machine, dataset: string, more: string[] = []): Promise<void> {
    await machine.sh('umask 077; cat >/root/key', { stdin: HEX });
    const key = ['-o', 'encryption=on', '-o', 'keyformat=hex', '-o', 'keylocation=file:///root/key'];
    await machine.run(['zfs', 'create', '-p', ...key, ...more, dataset]);
  }

  const properties = async (machine: Machine, dataset: string, ...names: string[]): Promise<string[]> =>
    Promise.all(names.map((name) => machine.property(dataset, name)));

  const keyFiles = async (machine: Machine): Promise<string> =>
    (await machine.sh('ls -d /run/zfsflow-key* /dev/shm/zfsflow-key* /tmp/zfsflow-key* 2>/dev/null || true')).stdout;

  type Expected = 'plain' | 'raw' | 'decrypted' | ErrorCode;
  const combinations: [source: string, parent: string, raw: string, expected: Expected][] = [
    ['plain', 'backup', 'auto', 'plain'],
    ['plain', 'backup', 'never', 'plain'],
    ['plain', 'backup/vault', 'auto', 'ENCRYPTION_MISMATCH'],
    ['plain', 'backup/vault', 'never', 'ENCRYPTION_MISMATCH'],
    ['secret', 'backup', 'auto', 'raw'],
    ['secret', 'backup', 'never', 'decrypted'],
    ['secret', 'backup/vault', 'auto', 'raw'],
    ['secret', 'backup/vault', 'never', 'ENCRYPTION_MISMATCH'],
  ];
  for (const [source, parent, raw, expected] of combinations) {
    it(`${source} source, target in ${parent}, raw ${raw}: ${expected} [C1 36] [C1 40]`, async () => {
      const target = `${parent}/${source}-${raw}`;
      const options = { ...relay, sourceDatasets: [`tank/${source}`], targetDataset: target, raw };
      if (expected === 'ENCRYPTION_MISMATCH') {
        await engine.refuse(expected, options);
        assert.equal(await b.exists(target), false);
        return;
      }
      const result = await engine.replicate(options);
      const [encryption, root] = await properties(b, target, 'encryption', 'encryptionroot');
      if (expected === 'raw') {
        assert.equal(root, target);
        await b.sh('zfs load-key -L prompt "$1"', { args: [target], stdin: HEX });
      } else assert.equal(encryption, 'off');
      const warned = result.datasets[0]?.warnings.some((warning) => /stored in the clear/.test(warning));
      assert.equal(warned, expected === 'decrypted');
      await assertSame(a, `tank/${source}`, b, target);
      assert.deepEqual(await properties(b, target, 'compression', 'my:note'), ['gzip', 'two words']);
      // A chain goes on as it began.
      await a.snapshot(`tank/${source}`, `s-${raw}-${parent.replace('/', '-')}`);
      assert.equal((await engine.replicate(options)).datasets[0]?.action, 'incremental');
    });
  }

  it('encrypts below an encrypted target with its key, the plain and the encrypted [C1 40]', async () => {
    for (const source of ['plain', 'secret']) {
      const target = `backup/vault/inherit-${source}`;
      const options = { ...relay, sourceDatasets: [`tank/${source}`], encryption: 'inherit' };
      await engine.replicate({ ...options, targetDataset: target });
      assert.equal(await b.property(target, 'encryptionroot'), 'backup/vault');
      assert.deepEqual(await properties(b, target, 'compression', 'my:note'), ['gzip', 'two words']);
      await assertSame(a, `tank/${source}`, b, target);
      await engine.refuse('ENCRYPTION_MISMATCH', { ...options, targetDataset: `backup/inherit-${source}` });
      assert.equal(await b.exists(`backup/inherit-${source}`), false);
    }
    await b.createDataset('backup/there');
    const refused = await engine.refuse('ENCRYPTION_MISMATCH', {
      ...relay,
      sourceDatasets: ['tank/plain'],
      targetDataset: 'backup/there',
      encryption: 'inherit',
    });
    assert.match(refused.hint ?? '', /zfs destroy backup\/there/);
  });

  it('encrypts at the target with a stored key that nobody sees, and leaves it locked [C1 73]', async () => {
    await a.createDataset('tank/tree/child');
    await a.run(['zfs', 'create', '-V', '8M', 'tank/tree/vol']);
    await a.writeRandom('tank/tree', 'file', 12);
    await a.snapshot('tank/tree', 's1', { recursive: true });
    engine.encryptionKey = new Secret(HEX);
    const options = {
      ...relay,
      sourceDatasets: ['tank/tree'],
      targetDataset: 'backup/keyed',
      recursive: true,
      encryption: 'key',
    };
    const commands: string[] = [];
    const stop = engine.resolve('b').onCommand((line) => commands.push(line));
    await watchProcesses(b);
    const first = await engine.replicate(options);
    await a.snapshot('tank/tree', 's2', { recursive: true });
    const second = await engine.replicate(options);
    assert.deepEqual(await seenInProcesses(b, ['zfs receive', HEX]), [true, false]);
    stop();
    assert.ok(commands.some((line) => line.startsWith('zfs load-key -L prompt backup/keyed')));
    assert.equal(commands.join('\n').includes(HEX), false);
    assert.equal((await b.read(['zpool', 'history', '-il', 'backup'])).includes(HEX), false);
    assert.deepEqual(
      second.datasets.map(({ action }) => action),
      ['incremental', 'incremental', 'incremental'],
    );
    for (const name of ['backup/keyed', 'backup/keyed/child', 'backup/keyed/vol']) {
      assert.deepEqual(await properties(b, name, 'encryptionroot', 'keystatus'), ['backup/keyed', 'unavailable']);
    }
    assert.equal(await b.property('backup/keyed', 'keylocation'), 'prompt');
    assert.equal(await keyFiles(b), '');
    assert.equal(JSON.stringify([engine.events, first, second]).includes(HEX), false);
    await b.sh('zfs load-key backup/keyed', { stdin: HEX });
    await assertSame(a, 'tank/tree', b, 'backup/keyed');

    await b.run(['zfs', 'unload-key', 'backup/keyed']);
    await a.snapshot('tank/tree', 's3', { recursive: true });
    engine.encryptionKey = new Secret(HEX.replaceAll('a', 'b'));
    await engine.refuse('KEY_NOT_LOADED', options);
    engine.encryptionKey = null;
    const missing = await engine.refuse('INVALID_OPTIONS', options);
    assert.equal(missing.field, 'encryptionKey');
  });

  it('leaves neither key nor key file of a run that was killed and whose transfer went on without it', async () => {
    const target = 'backup/killed';
    engine.encryptionKey = new Secret(HEX);
    const options = { ...relay, sourceDatasets: ['tank/plain'], targetDataset: target, encryption: 'key' };
    await engine.replicate(options);
    // As the receive leaves it, before its controller comes to put things right.
    const pool = await b.read(['zpool', 'get', '-Hp', '-o', 'value', 'guid', 'backup']);
    const file = `/run/zfsflow-key.${processTag(destinationId(pool, target))}.killed`;
    await b.sh('zfs load-key "$1"; mkdir "$2"; zfs set keylocation="file://$2/key" "$1"', {
      args: [target, file],
      stdin: HEX,
    });
    // Where it cannot see what there is to put right, it says so.
    await pretend(b, 'case "$*" in *encryptionroot,*keylocation*) echo "internal error" >&2; exit 1;; esac');
    try {
      const { warnings } = await engine.replicate(options);
      assert.match(warnings.join(), /could not set keylocation.*internal error/);
    } finally {
      await truth(b);
    }
    const result = await engine.replicate(options);
    assert.equal(result.datasets[0]?.action, 'current');
    assert.deepEqual(await properties(b, target, 'keylocation', 'keystatus'), ['prompt', 'unavailable']);
    assert.equal(await keyFiles(b), '');
  });

  it('encrypts with a passphrase, and with a key in a file of the target', async () => {
    engine.encryptionKey = new Secret('correct horse battery');
    const options = { ...relay, sourceDatasets: ['tank/secret'], encryption: 'key' };
    await engine.replicate({ ...options, targetDataset: 'backup/phrase', encryptionKeyFormat: 'passphrase' });
    assert.deepEqual(await properties(b, 'backup/phrase', 'keyformat', 'keylocation', 'my:note'), [
      'passphrase',
      'prompt',
      'two words',
    ]);
    await b.sh('zfs load-key backup/phrase', { stdin: 'correct horse battery' });
    await assertSame(a, 'tank/secret', b, 'backup/phrase');

    engine.encryptionKey = null;
    const byFile = { ...options, targetDataset: 'backup/file', encryptionKeyLocation: '/root/key' };
    await engine.replicate(byFile);
    assert.equal(await b.property('backup/file', 'keylocation'), 'file:///root/key');
    await b.run(['zfs', 'unload-key', 'backup/file']);
    await a.snapshot('tank/secret', 'by-file');
    await engine.replicate(byFile);
    assert.equal(await b.property('backup/file', 'keystatus'), 'unavailable');
    await b.sh('zfs load-key backup/file');
    await assertSame(a, 'tank/secret', b, 'backup/file');
    await engine.refuse('KEY_NOT_LOADED', {
      ...options,
      targetDataset: 'backup/nofile',
      encryptionKeyLocation: '/root/no-such-key',
      retries: 1,
    });
    assert.equal(await b.exists('backup/nofile'), false);
  });

  for (const [what, source, target, encryption] of [
    ['a new encryption root, and puts its key location right', 'tank/long', 'backup/resumed', 'key'],
    ['a dataset that inherits', 'tank/long', 'backup/vault/resumed', 'inherit'],
    ['a raw stream', 'tank/long-secret', 'backup/resumed-raw', 'none'],
  ] as const) {
    it(`resumes the first receive of ${what}`, async () => {
      if (!(await a.exists(source))) {
        await (encryption === 'none' ? encrypted(a, source) : a.createDataset(source));
        await a.writeRandom(source, 'file', 16);
        await a.snapshot(source, 's1');
      }
      engine.encryptionKey = new Secret(HEX);
      const options = { ...relay, sourceDatasets: [source], targetDataset: target, encryption };
      await a.link.limit(4 * MB);
      const abort = new AbortController();
      const running = engine.replicate(options, abort.signal);
      await until(() => engine.events.some(({ event, bytes }) => event === 'progress' && Number(bytes) > 6 * MB));
      abort.abort();
      await assert.rejects(running, { code: 'CANCELLED' });
      await a.link.limit(0);
      assert.equal(await keyFiles(b), '');
      if (encryption === 'key') assert.equal(await b.property(target, 'keystatus'), 'unavailable');
      const result = await engine.replicate(options);
      assert.equal(result.datasets[0]?.action, 'resume');
      const root = encryption === 'inherit' ? 'backup/vault' : target;
      assert.equal(await b.property(target, 'encryptionroot'), root);
      if (encryption === 'key') assert.equal(await b.property(target, 'keylocation'), 'prompt');
      await b.sh('zfs load-key -L prompt "$1"', { args: [root], stdin: HEX, check: encryption !== 'inherit' });
      await assertSame(a, source, b, target);
    });
  }

  it('never continues a raw chain not raw, or the other way round, and says the way out [C1 37]', async () => {
    await encrypted(a, 'tank/chain');
    await a.snapshot('tank/chain', 's1');
    const options = { ...relay, sourceDatasets: ['tank/chain'] };
    const kinds = [
      ['backup/chain-raw', 'auto', 'never'],
      ['backup/chain-plain', 'never', 'always'],
    ] as const;
    for (const [targetDataset, raw] of kinds) await engine.replicate({ ...options, targetDataset, raw });
    // As other tools leave it: without a mark.
    for (const [targetDataset] of kinds) await b.run(['zfs', 'inherit', 'zfsflow:raw', targetDataset]);
    await b.sh('zfs load-key -a', { stdin: HEX, check: false });
    await a.snapshot('tank/chain', 's2');
    for (const [targetDataset, raw, other] of kinds) {
      engine.events.length = 0;
      const refused = await engine.refuse('ENCRYPTION_MISMATCH', { ...options, targetDataset, raw: other });
      assert.match(refused.hint ?? '', /raw to "auto"/);
      assert.equal((await b.snapshots(targetDataset)).length, 1);
      assert.equal(engine.partial?.bytes, 0);
      await engine.replicate({ ...options, targetDataset, raw: 'auto' });
      assert.equal((await b.snapshots(targetDataset)).length, 2);
      assert.ok(['auto', raw].includes(raw));
    }
    await engine.refuse('ENCRYPTION_MISMATCH', {
      ...options,
      targetDataset: 'backup/chain-raw',
      encryption: 'inherit',
    });
  });

  it('names the side that does not say how a chain began, and takes its silence for no answer', async () => {
    await encrypted(a, 'tank/asked');
    await a.snapshot('tank/asked', 's1');
    const options = { ...relay, sourceDatasets: ['tank/asked'], targetDataset: 'backup/asked', retries: 1 };
    await engine.replicate(options);
    await b.run(['zfs', 'inherit', 'zfsflow:raw', 'backup/asked']);
    await a.snapshot('tank/asked', 's2');
    const answers: [text: string, exitCode: number, code: ErrorCode, retryable: boolean][] = [
      ['cannot open: dataset is busy', 1, 'DATASET_BUSY', true],
      ['cannot open: pool I/O is currently suspended', 2, 'POOL_UNAVAILABLE', false],
      ['', 3, 'ZFS_ERROR', false],
      ['', 0, 'ZFS_ERROR', false],
    ];
    for (const [machine, dataset] of [
      [b, 'backup/asked'],
      [a, 'tank/asked'],
    ] as const) {
      for (const [text, exitCode, code, retryable] of answers) {
        const say = text === '' ? '' : `echo "${text}" >&2; `;
        await pretend(machine, `case "$*" in *ivsetguid*) ${say}exit ${exitCode};; esac`);
        try {
          const { host, stderr, command, ...error } = await engine.refuse(code, options);
          assert.deepEqual([host, error.retryable, error.exitCode, stderr], [machine.name, retryable, exitCode, text]);
          assert.equal(command?.at(-1), `${dataset}@s1`);
        } finally {
          await truth(machine);
        }
      }
    }
    assert.deepEqual(await b.snapshotNames('backup/asked'), ['s1']);
    assert.equal((await engine.replicate(options)).datasets[0]?.action, 'incremental');
    await b.sh('zfs load-key -L prompt backup/asked', { stdin: HEX });
    await assertSame(a, 'tank/asked', b, 'backup/asked');
  });

  it('judges a chain that another tool began below a raw copy by itself', async () => {
    for (const dataset of ['tank/upper', 'tank/upper/lower']) {
      await encrypted(a, dataset);
      await a.snapshot(dataset, 's1');
    }
    await engine.replicate({ ...relay, sourceDatasets: ['tank/upper'], targetDataset: 'backup/upper' });
    await b.sh('zfs load-key -L prompt backup/upper', { stdin: HEX });
    await a.sh('zfs send tank/upper/lower@s1 | ssh b "zfs receive -u backup/upper/lower"');
    assert.equal(await b.property('backup/upper/lower', 'zfsflow:raw'), 'on,upper');
    await a.snapshot('tank/upper/lower', 's2');
    const options = { ...relay, sourceDatasets: ['tank/upper/lower'], targetDataset: 'backup/upper/lower' };
    assert.equal((await engine.replicate(options)).datasets[0]?.action, 'incremental');
    await assertSame(a, 'tank/upper/lower', b, 'backup/upper/lower');
  });

  it('sends a locked dataset raw, says KEY_NOT_LOADED otherwise, and does not receive into a locked one [C1 38]', async () => {
    await encrypted(a, 'tank/locked', ['-o', 'canmount=noauto']);
    await a.snapshot('tank/locked', 's1');
    await a.run(['zfs', 'unload-key', 'tank/locked']);
    const options = { ...relay, sourceDatasets: ['tank/locked'] };
    await engine.replicate({ ...options, targetDataset: 'backup/locked' });
    assert.equal((await b.snapshots('backup/locked')).length, 1);
    const refused = await engine.refuse('KEY_NOT_LOADED', { ...options, targetDataset: 'backup/open', raw: 'never' });
    assert.match(refused.hint ?? '', /load-key/);
    assert.equal(await b.exists('backup/open'), false);

    await encrypted(b, 'backup/shut', ['-o', 'canmount=off']);
    await b.run(['zfs', 'unload-key', 'backup/shut']);
    const shut = { ...relay, sourceDatasets: ['tank/plain'], encryption: 'inherit' };
    await engine.refuse('KEY_NOT_LOADED', { ...shut, targetDataset: 'backup/shut/plain' });
  });
});

/** Waits for an event that is recorded; fails after a minute. */
/** Writes down the arguments and environments of all processes, as often as the machine can. */
async function watchProcesses(machine: Machine): Promise<void> {
  const loop =
    'while [ -e /run/watch ]; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; echo; sleep 0.05; done >/run/watched 2>/dev/null';
  await machine.sh(`touch /run/watch; setsid sh -c '${loop}' </dev/null >/dev/null 2>&1 &`);
}

/** Which of these texts were seen. */
async function seenInProcesses(machine: Machine, texts: readonly string[]): Promise<boolean[]> {
  const script = 'rm -f /run/watch; text=$(cat); tr "\\000" " " </run/watched | grep -a -c -F -e "$text" || true';
  const seen: boolean[] = [];
  for (const text of texts) seen.push(Number((await machine.sh(script, { stdin: text })).stdout) > 0);
  return seen;
}
