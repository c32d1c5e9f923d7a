// Commands on this machine: results, limits, and that nothing is left running.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalHost } from '../../../../src/host/local/local-host';
import { endTagged, findTagged, wrapperTag } from '../../../../src/host/tagged-processes';
import { runPipeline } from '../../../../src/stream/ways/local-pipeline';

const host = new LocalHost();

function sh(script: string, ...args: string[]): string[] {
  return ['/bin/sh', '-c', script, 'sh', ...args];
}

async function assertEnds(pid: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { stdout } = await host.run(['ps', '-o', 'stat=', '-p', String(pid)]);
    if (stdout.trim() === '' || stdout.trim().startsWith('Z')) return;
    await sleep(20);
  }
  assert.fail(`process ${pid} is still there`);
}

describe('LocalHost', () => {
  it('gives output and exit code whatever they are', async () => {
    assert.deepEqual(await host.run(sh('printf out; printf err >&2; exit 3')), {
      code: 3,
      signal: null,
      stdout: 'out',
      stderr: 'err',
    });
    const killed = await host.run(sh('kill -KILL $$'));
    assert.deepEqual([killed.code, killed.signal], [null, 'SIGKILL']);
  });

  it('passes standard input on and arguments unchanged', async () => {
    const { stdout } = await host.run(sh('cat; printf %s "$1"', "it's $(touch x)"), { stdin: 'in\0put\n' });
    assert.equal(stdout, "in\0put\nit's $(touch x)");
    assert.equal((await host.run(['cat'])).stdout, '');
  });

  it('does not mind a program that does not read its input', async () => {
    assert.equal((await host.run(['true'], { stdin: 'x'.repeat(1_000_000) })).code, 0);
    await assert.rejects(host.run(['true'], { stdin: 'x'.repeat(2_000_000) }), RangeError);
  });

  it('streams lines with the index of their command', async () => {
    const lines: string[] = [];
    const results = await host.runAll([sh('echo a; printf b'), ['false'], ['echo', 'c']], {
      onLine: (line, index) => lines.push(`${index}${line}`),
    });
    assert.deepEqual(lines, ['0a', '0b', '2c']);
    assert.deepEqual(
      results.map(({ code, stdout }) => [code, stdout]),
      [
        [0, ''],
        [1, ''],
        [0, ''],
      ],
    );
  });

  it('hands on what a line listener throws', async () => {
    const onLine = (): never => {
      throw new Error('mine');
    };
    await assert.rejects(host.run(['echo', 'x'], { onLine }), /mine/);
    await assert.rejects(host.run(['printf', 'x'], { onLine }), /mine/);
  });

  it('knows where ZFS tools are', async () => {
    const { stdout } = await new LocalHost({ zfsPath: '/opt/zfs/bin' }).run(sh('echo $PATH $LC_ALL'));
    assert.match(stdout, /:\/sbin:\/usr\/sbin:\/usr\/local\/sbin:\/usr\/local\/bin:\/opt\/zfs\/bin C$/m);
  });

  it('says when a program does not exist', async () => {
    await assert.rejects(host.run(['no-such-program']), { code: 'COMMAND_NOT_FOUND' });
    await assert.rejects(host.run(['/etc/passwd']), { code: 'COMMAND_NOT_FOUND' });
  });

  it('ends a command and its children on timeout and cancellation, even those that ignore TERM', async () => {
    const pids: number[] = [];
    const options = { onLine: (line: string) => pids.push(Number(line)) };
    const script = sh('trap "" TERM; sleep 600 & echo $!; echo $$; wait; wait; sleep 600');
    await assert.rejects(host.run(script, { ...options, timeoutMs: 300 }), { code: 'TIMEOUT' });
    await assert.rejects(host.run(script, { ...options, signal: AbortSignal.timeout(300) }), { code: 'CANCELLED' });
    assert.equal(pids.length, 4);
    for (const pid of pids) await assertEnds(pid);
    await assert.rejects(host.run(['true'], { signal: AbortSignal.abort() }), { code: 'CANCELLED' });
  });

  it('limits what it collects and ends the command', async () => {
    await assert.rejects(host.run(['yes'], { maxBytes: 100_000 }), /more than 100000 bytes/);
    await assert.rejects(host.run(sh('yes >&2'), { maxBytes: 100_000 }), /more than 100000 bytes/);
  });

  it('tells what machine this is', async () => {
    const facts = await host.facts();
    assert.equal(facts.platform, (await host.run(['uname', '-s'])).stdout.trim());
    assert.equal(facts.hostname, (await host.run(['uname', '-n'])).stdout.trim());
    assert.equal(facts.isRoot, process.getuid?.() === 0);
    assert.equal(facts.noisyShell, false);
    assert.ok(facts.programs.has('ps'));
    assert.equal(await host.facts(), facts);
    assert.notEqual(await host.facts({ refresh: true }), facts);
  });

  it('reports command lines as they start', async () => {
    const seen: string[] = [];
    const stop = host.onCommand((line) => seen.push(line));
    await host.run(['echo', 'a b']);
    stop();
    await host.run(['echo', 'c']);
    assert.deepEqual(seen, ["echo 'a b'"]);
  });
});

describe('process tags', () => {
  it('are found by prefix and ended with all descendants', async () => {
    const tag = `zfsflow.test.${process.pid}`;
    const spec = await host.pipeCommand(sh('trap "" TERM; sleep 600 & wait; sleep 600'), { tag });
    const over = runPipeline([spec]);
    let found = await findTagged(host, tag);
    while (found.length === 0 || found[0]?.descendants.length !== 2) found = await findTagged(host, tag);
    assert.equal(found.length, 1);
    assert.equal(found[0]?.tag, tag);
    assert.deepEqual(await findTagged(host, `${tag}9`), []);
    assert.equal(await endTagged(host, `${tag}9`), 0);
    assert.equal(await endTagged(host, tag), 1);
    await over;
    for (const pid of [found[0].pid, ...found[0].descendants]) await assertEnds(pid);
    assert.deepEqual(await findTagged(host, tag), []);
  });

  it('are told from other command lines', () => {
    assert.equal(wrapperTag('/bin/sh -c IFS=; eval "$*" zfsflow.a.b unset IFS; zfs'), 'zfsflow.a.b');
    assert.equal(wrapperTag('sh -c "$@"; exit $? zfsflow.a.b zfs send x'), 'zfsflow.a.b');
    assert.equal(wrapperTag('/bin/sh -c IFS=; eval "$*" sh unset IFS; ps'), undefined);
    assert.equal(wrapperTag('grep sh -c IFS=; eval "$*" zfsflow.a.b'), undefined);
    assert.equal(wrapperTag('zfs send tank@zfsflow.a.b'), undefined);
  });

  it('with other characters are refused', async () => {
    await assert.rejects(host.pipeCommand(['true'], { tag: 'a b' }), { code: 'INVALID_OPTIONS' });
  });
});
