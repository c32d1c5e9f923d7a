// Restore drills: a copy is opened, its command run, its files and blocks compared with the source, and nothing of it is left.
import assert from 'node:assert/strict';
import type { Machine } from '../../lab/machine';
import type { Engine } from '../../support/engine';
import { relay } from '../../support/job';
import { usePair } from '../../support/machines';
import { leftOn, only, verifyWith, type Verified } from '../../support/verification';

describe('verification: drills', function () {
  this.timeout(120_000);
  let a: Machine;
  let b: Machine;
  let engine: Engine;
  let counter = 0;
  usePair((pair) => ({ a, b, engine } = pair));
  afterEach(async () => {
    assert.deepEqual([await leftOn(a), await leftOn(b)], [[], []]);
  });

  interface Copy {
    source: string;
    target: string;
    options: Record<string, unknown>;
  }

  const FILES =
    'cd "$(zfs get -H -o value mountpoint "$1")" && mkdir -p d/e && for i in 1 2 3 4 5 6 7 8; do echo "content $i" >d/e/f$i; done';

  async function copy(more: Record<string, unknown> = {}, script = FILES): Promise<Copy> {
    const [source, target] = [`tank/d${++counter}`, `backup/d${counter}`];
    await a.createDataset(source);
    await a.sh(script, { args: [source] });
    await a.snapshot(source, 's1');
    const options = { ...relay, sourceDatasets: [source], targetDataset: target };
    await engine.replicate({ ...options, createSnapshot: 'never', ...more });
    return { source, target, options };
  }

  const check = (options: Record<string, unknown>): Promise<Verified> => verifyWith(engine.resolve, options);

  it('open: the command sees the copy, read-only and in a place of its own, and its output is in the result', async () => {
    const { source, target, options } = await copy();
    const drillCommand = `printf '%s\\n' "$ZFS_SNAPSHOT" "$ZFS_SOURCE" "$ZFS_MOUNTPOINT"; cat "$ZFS_MOUNTPOINT/d/e/f3"
      clone=$(df -P "$ZFS_MOUNTPOINT" | sed 1d | cut -d' ' -f1)
      zfs get -H -o value zfsflow:drill,readonly,canmount,origin "$clone"; echo err >&2; touch "$ZFS_MOUNTPOINT/x" 2>&1 | grep -o 'Read-only'
      stat -c %a "$ZFS_MOUNTPOINT/.."`;
    const { result, error } = await check({ ...options, drill: 'open', drillCommand });
    assert.equal(error, null);
    const { drill } = only(result);
    const [snapshot, from, at, ...rest] = drill?.output?.trimEnd().split('\n') ?? [];
    assert.deepEqual([snapshot, from], [`${target}@s1`, source]);
    assert.match(at ?? '', /^\/tmp\/zfsflow-drill-[0-9a-f]{12}\/data$/);
    assert.deepEqual(rest, ['content 3', 'job-1', 'on', 'noauto', `${target}@s1`, 'err', 'Read-only', '700']);
    const { output: _output, durationMs, ...told } = drill ?? {};
    assert.deepEqual(told, { kind: 'open', ok: true, exitCode: 0 });
    assert.ok((durationMs ?? 0) > 0);
  });

  it('a command that fails makes the verification fail, and only its last 4 KiB are kept', async () => {
    const { options } = await copy();
    const drillCommand = 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i + 1)); done; printf end; exit 3';
    const { result } = await check({ ...options, drill: 'open', drillCommand });
    const { drill, problems } = only(result);
    assert.deepEqual([result.ok, drill?.ok, drill?.exitCode], [false, false, 3]);
    assert.match(drill?.output ?? '', /line 1998\nline 1999\nend$/);
    assert.equal(Buffer.byteLength(drill?.output ?? ''), 4096);
    assert.match(problems.join(), /the command of the restore drill of "backup\/d\d+@s1" failed \(exit code 3\)/);
  });

  it('a command that hangs is ended with its children, and so is what it left in the background', async () => {
    const { options } = await copy();
    const drillCommand = `cd "$ZFS_MOUNTPOINT"; echo begun; setsid sleep 987 >/dev/null 2>&1 & sleep 986`;
    const { result } = await check({ ...options, drill: 'open', drillCommand, drillTimeout: 2 });
    const { drill, problems } = only(result);
    assert.deepEqual([drill?.ok, drill?.exitCode, drill?.output], [false, null, 'begun\n']);
    assert.match(problems.join(), /did not end within 2 s/);
    assert.deepEqual(result.warnings, []);
    const { stdout } = await b.sh('ps -A -o args= | grep -c "[s]leep 98[67]" || true');
    assert.equal(stdout.trim(), '0');
  });

  it('compare: names of any bytes, every file of them', async () => {
    const { options } = await copy(
      {},
      `cd "$(zfs get -H -o value mountpoint "$1")" && mkdir "new
line" " sp ace" && echo 1 >"new
line/a
b" && echo 2 >" sp ace/\\\\back" && printf 3 >"$(printf '\\377\\376')" && echo 4 >"-dash" && echo 5 >"
" && : >empty
        ln -s /etc/passwd link && mkfifo fifo && i=0; while [ $i -lt 450 ]; do echo $i >many$i; i=$((i + 1)); done`,
    );
    const { result, error, ctx } = await check({ ...options, drill: 'compare', drillSample: 0 });
    assert.equal(error, null);
    const { drill } = only(result);
    assert.deepEqual([drill?.kind, drill?.ok, drill?.files, drill?.differences], ['compare', true, 456, []]);
    assert.ok((drill?.bytes ?? 0) > 900);
    const progress = ctx.events.filter(({ event }) => event === 'progress').map(({ percent }) => percent);
    assert.equal(progress.at(-1), 100);
    const some = await check({ ...options, drill: 'compare', drillSample: 10 });
    assert.equal(only(some.result).drill?.files, 10);
  });

  it('compare: a copy whose bytes were changed below ZFS, and one that lacks a file', async () => {
    const marker = 'the quick brown fox jumps over the lazy dog ';
    const { target, options } = await copy(
      { compressedBlocks: false, propertiesOverride: { checksum: 'off', compression: 'off' } },
      `${FILES}; i=0; while [ $i -lt 4000 ]; do echo "${marker}$i"; i=$((i + 1)); done >d/fox`,
    );
    const full = { ...options, drill: 'compare', drillSample: 0 };
    assert.equal((await check(full)).error, null);
    // What is free is one line of NULs to grep, and longer than the machine's memory.
    const changed = `device=$(zpool list -HPv -o name backup | awk '/\\/dev\\// { print $1; exit }'); zpool export backup
      at=$(tr '\\0' '\\n' <"$device" | grep -abo -m 1 -F "${marker}0" | head -1 | cut -d: -f1); [ -n "$at" ] || exit 9
      printf 'THE' | dd of="$device" bs=1 seek="$at" conv=notrunc status=none; sync; echo 3 >/proc/sys/vm/drop_caches
      zpool import -d /dev backup`;
    await b.sh(changed);
    const { result } = await check(full);
    const { state, drill, problems } = only(result);
    assert.deepEqual([state, drill?.ok, drill?.files, drill?.differences], ['same', false, 9, ['d/fox']]);
    assert.match(problems.join(), new RegExp(`^1 file of "${target}@s1" is not as in ".*": "d/fox"$`));
  });

  it('volumes: the command reads the device, blocks are compared', async () => {
    const [source, target] = [`tank/v${++counter}`, `backup/v${counter}`];
    await a.createDataset(source, { volumeMb: 8 });
    await a.sh('i=0; until [ -b "/dev/zvol/$1" ]; do sleep 0.1; done; dd if=/dev/urandom of="/dev/zvol/$1" bs=1M count=8 conv=fsync status=none', { args: [source] }); // prettier-ignore
    await a.snapshot(source, 's1');
    const options = { ...relay, sourceDatasets: [source], targetDataset: target };
    await engine.replicate({ ...options, createSnapshot: 'never' });
    const drillCommand = 'echo "${ZFS_MOUNTPOINT:-none}"; head -c 1000000 "$ZFS_DEVICE" | wc -c';
    const { result, error } = await check({ ...options, drill: 'compare', drillSample: 3, drillCommand });
    assert.equal(error, null, JSON.stringify(result));
    const { drill } = only(result);
    assert.deepEqual(result.warnings, []);
    assert.deepEqual(
      [drill?.ok, drill?.bytes, drill?.files, drill?.output],
      [true, 3 << 20, undefined, 'none\n1000000\n'],
    );
    const all = await check({ ...options, drill: 'compare', drillSample: 0 });
    assert.equal(only(all.result).drill?.bytes, 8 << 20);
  });

  it('encrypted: a warning while the key is not loaded, and a drill when it is', async () => {
    const [source, target] = [`tank/e${++counter}`, `backup/e${counter}`];
    const create = 'echo "my passphrase" | zfs create -o encryption=on -o keyformat=passphrase "$1"';
    await a.sh(create, { args: [source] });
    await a.sh(FILES, { args: [source] });
    await a.snapshot(source, 's1');
    const options = { ...relay, sourceDatasets: [source], targetDataset: target };
    await engine.replicate({ ...options, createSnapshot: 'never' });
    const compare = { ...options, drill: 'compare', drillSample: 0 };
    const locked = await check(compare);
    assert.equal(locked.error, null);
    assert.deepEqual([only(locked.result).state, only(locked.result).drill], ['same', undefined]);
    assert.match(
      locked.result.warnings.join(),
      new RegExp(`not looked into, since the key is not loaded: "${target}"`),
    );
    await b.sh('echo "my passphrase" | zfs load-key "$1"', { args: [target] });
    const open = await check(compare);
    assert.equal(open.error, null, JSON.stringify(open.result));
    assert.deepEqual([only(open.result).drill?.ok, only(open.result).drill?.files], [true, 8]);
  });

  it('one: another dataset in each run, and all have their turn; all: every one', async () => {
    const root = `tank/turn${++counter}`;
    for (const name of ['', '/x', '/y']) await a.createDataset(root + name);
    await a.snapshot(root, 's1', { recursive: true });
    const target = `backup/turn${counter}`;
    const options = { ...relay, sourceDatasets: [root], targetDataset: target, recursive: true };
    await engine.replicate({ ...options, createSnapshot: 'never' });
    let last: string | undefined;
    const turns = { last: () => last, took: (name: string) => void (last = name) };
    const seen: string[] = [];
    for (let run = 0; run < 3; run++) {
      const { result } = await verifyWith(engine.resolve, { ...options, drill: 'open' }, { turns });
      const drilled = result.datasets.filter(({ drill }) => drill !== undefined).map(({ target: name }) => name);
      assert.deepEqual(drilled, [last]);
      seen.push(...drilled);
    }
    assert.deepEqual(seen.toSorted(), [target, `${target}/x`, `${target}/y`]);
    const all = await check({ ...options, drill: 'open', drillDatasets: 'all' });
    assert.deepEqual(all.result.datasets.map(({ drill }) => drill?.ok), [true, true, true]); // prettier-ignore
  });
});
