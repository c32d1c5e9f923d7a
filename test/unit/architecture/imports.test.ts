// Who may import whom: the table of rooms.ts, held against every import of the code, types included.
import assert from 'node:assert/strict';
import { DOOR, dialogMay, isDialog, matches, PACKAGES, roomOf, ROOMS } from './rooms';
import { circles, importsOf, sources, textOf, type Import } from './source-files';

const files = [...sources('src'), ...sources('nodes')];
const all = files.flatMap(importsOf);
const inside = all.filter(({ to }) => /^(src|nodes)\//.test(to));

function allowed(file: string): readonly string[] {
  if (isDialog(file)) return dialogMay(file);
  return ROOMS[roomOf(file) ?? ''] ?? [];
}

const shown = ({ from, to }: Import): string => `${from} → ${to}`;

describe('architecture: imports', () => {
  it('every file has a room, and every room has files', () => {
    assert.deepEqual(
      files.filter((file) => roomOf(file) === undefined),
      [],
    );
    const used = new Set(files.map(roomOf));
    assert.deepEqual(
      Object.keys(ROOMS).filter((room) => !used.has(room)),
      [],
    );
  });

  it('every import is in the table', () => {
    const forbidden = inside.filter(({ from, to }) => from !== DOOR && !matches(to, allowed(from)));
    assert.deepEqual(forbidden.map(shown), []);
  });

  it('nothing runs in circles, types included', () => {
    assert.deepEqual(circles(inside), []);
  });

  it('only the door loads the engine for the nodes', () => {
    const loading = inside.filter(
      ({ from, to, typeOnly }) =>
        from.startsWith('nodes/') &&
        !isDialog(from) &&
        !typeOnly &&
        from !== DOOR &&
        /^src\/(host|import|ssh-setup|stream|zfs|snapshots|retention|replication|readiness)\//.test(to),
    );
    const values = loading.filter(({ to }) => !to.endsWith('/options.ts'));
    assert.deepEqual(values.map(shown), []);
  });

  it('packages are used only where they belong, and Node-RED never below nodes/', () => {
    const strangers = all.filter(({ from, to }) => {
      if (/^(src|nodes)\//.test(to)) return false;
      const rooms = PACKAGES[to];
      if (rooms !== undefined) return !matches(from, rooms);
      if (isDialog(from)) return true;
      return !to.startsWith('node:') && !(from.startsWith('nodes/') && to === 'node-red');
    });
    assert.deepEqual(strangers.map(shown), []);
  });

  it('declares exactly the runtime dependencies that it uses, at most six', () => {
    const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
    const used = new Set(
      all
        .filter(({ from, typeOnly }) => !isDialog(from) && !typeOnly)
        .map(({ to }) => to)
        .filter((to) => !/^(src|nodes)\/|^node:|^tsx/.test(to)),
    );
    assert.deepEqual([...used].toSorted(), Object.keys(dependencies).toSorted());
    assert.ok(used.size <= 6);
  });
});

describe('architecture: how the table is read', () => {
  it('a folder, its direct files, one file', () => {
    assert.ok(matches('src/host/ssh/agent.ts', ['src/host']));
    assert.ok(!matches('src/host/ssh/agent.ts', ['src/host/*']));
    assert.ok(matches('src/host/facts.ts', ['src/host/*']));
    assert.ok(!matches('src/hosts.ts', ['src/host']));
    assert.equal(roomOf('src/retention/read-policy.ts'), 'src/retention/read-policy.ts');
    assert.equal(roomOf('src/retention/prune.ts'), 'src/retention');
  });

  it('finds a circle', () => {
    const edge = (from: string, to: string): Import => ({ from, to, typeOnly: true });
    assert.deepEqual(circles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a'), edge('a', 'd')]), [['a', 'b', 'c']]);
    assert.deepEqual(circles([edge('a', 'b'), edge('a', 'c'), edge('b', 'c')]), []);
  });
});
