// What `zfs allow` prints, and what follows for a user: local and descendent lists, groups, everybody, sets of rights.
import assert from 'node:assert/strict';
import type { CommandResult, Host } from '../../../src/host/host';
import { lackingRights, rightsIn, rightsInOwn, rightsInPools } from '../../../src/zfs/rights';

const TEXT = `---- Permissions on tank/P-/deep -------------------------------------
Local permissions:
\teveryone send
Descendent permissions:
\tuser op diff
Local+Descendent permissions:
\tuser (unknown: 4711) clone
\tgroup domain users mount
---- Permissions on tank/P- ------------------------------------------
Create time permissions:
\tpromote
Local permissions:
\tuser op rename
Local+Descendent permissions:
\tuser op bookmark,hold
\tuser opera rollback
\tgroup staff @x
---- Permissions on tank ---------------------------------------------
Permission sets:
\t@x release,@y
\t@y snapshot
\t@unused destroy
`;

const rights = (dataset: string, names: string[], groups: string[] = []): string[] =>
  [...rightsIn(TEXT, dataset, { names: new Set(names), groups: new Set(groups) })]
    .filter((right) => !right.startsWith('@'))
    .toSorted();

describe('rights', () => {
  it('are those of the dataset and what comes down from above', () => {
    assert.deepEqual(rights('tank/P-/deep', ['op']), ['bookmark', 'hold', 'send']);
    assert.deepEqual(rights('tank/P-/deep/er', ['op']), ['bookmark', 'diff', 'hold']);
    assert.deepEqual(rights('tank/P-', ['op']), ['bookmark', 'hold', 'rename']);
    assert.deepEqual(rights('tank/P-x', ['op']), []);
  });

  it('come to a user by number, by its groups, and by sets', () => {
    assert.deepEqual(rights('tank/P-/deep', ['4711'], ['domain users']), ['clone', 'mount', 'send']);
    assert.deepEqual(rights('tank/P-/deep', ['x'], ['staff']), ['release', 'send', 'snapshot']);
  });

  it('that come with creating are those of whoever creates, on what it has created alone', () => {
    const op = { names: new Set(['op']), groups: new Set<string>() };
    const own = rightsInOwn(TEXT, 'tank/P-/deep/new', op);
    assert.deepEqual([...own].toSorted(), ['bookmark', 'diff', 'hold', 'promote']);
    assert.equal(rightsIn(TEXT, 'tank/P-/deep/new', op).has('promote'), false);
  });

  it('are lacking where they cannot be found out, and never for root', async () => {
    const host = (more: object, ...answers: Partial<CommandResult>[]): Host => {
      const results = ['op', '1000', 'op staff', '1000 50'].map((stdout): Partial<CommandResult> => ({ stdout }));
      const runAll = async (argvs: readonly unknown[]): Promise<CommandResult[]> =>
        argvs.map((_, index) => ({
          code: 0,
          signal: null,
          stdout: '',
          stderr: '',
          ...[...results, ...answers][index],
        }));
      return { facts: async () => ({ isRoot: false }), runAll, ...more } as unknown as Host;
    };
    const wanted = ['hold', 'release'];
    const ask = async (one: Host): Promise<unknown[]> => [
      ...(await lackingRights(one, ['tank/P-/deep'], wanted)).lacking,
    ];
    assert.deepEqual(await ask(host({}, { stdout: TEXT })), []);
    assert.deepEqual(await ask(host({}, { stdout: TEXT.replace('@x release', '@x clone') })), [
      ['tank/P-/deep', ['release']],
    ]);
    for (const failed of [
      { code: 1, stdout: TEXT },
      { stderr: "cannot open 'tank/P-/deep': I/O error", stdout: TEXT },
      {},
    ]) {
      assert.deepEqual(await ask(host({}, failed)), [['tank/P-/deep', wanted]]);
    }
    assert.deepEqual(await ask(host({ facts: async () => ({ isRoot: true }) })), []);
    assert.deepEqual(await ask(host({ elevates: true })), []);
  });

  it('are looked for in whole pools: on datasets without children, with all above them', async () => {
    const asked: string[] = [];
    const allow: Record<string, string> = {
      'a/b/c': '---- Permissions on a/b ----\nLocal+Descendent permissions:\n\tuser op send\n',
      d: '---- Permissions on d ----\nLocal permissions:\n\tuser op hold\n',
    };
    const answer = (stdout: string): CommandResult => ({ code: 0, signal: null, stdout, stderr: '' });
    const host = {
      run: async () => answer('a\na/b\na/b/c\na/x\nd\n'),
      runAll: async (argvs: readonly (readonly string[])[]) =>
        argvs.map(([program, , dataset = '']) => {
          if (program === 'id') return answer('op');
          asked.push(dataset);
          return answer(allow[dataset] ?? '');
        }),
    } as unknown as Host;
    const { user, rights } = await rightsInPools(host, ['a', 'd', 'empty'], 2);
    assert.deepEqual([user, asked], ['op', ['a/b/c', 'a/x', 'd', 'empty']]);
    assert.deepEqual(
      [...rights].map(([dataset, given]) => [dataset, [...given]]),
      [
        ['a/b/c', ['send']],
        ['a/b', ['send']],
        ['a', []],
        ['a/x', []],
        ['d', ['hold']],
        ['empty', []],
      ],
    );
  });
});
