// Whether an account can run `zfs` and `zpool` at all, the way the nodes will: through sudo or doas where it does.
import type { Host } from '../host/host';

export interface NotRun {
  command: 'zfs' | 'zpool';
  /** The last line of what was said. */
  why: string;
}

/** The commands that fail even for a list of names. Throws what keeps the host from being reached. */
export async function commandsThatDoNotRun(host: Host): Promise<NotRun[]> {
  const argvs = [
    ['zfs', 'list', '-H', '-o', 'name', '-d', '0'],
    ['zpool', 'list', '-H', '-o', 'name'],
  ];
  const results = await host.runAll(argvs, { timeoutMs: 30_000 });
  return results.flatMap(({ code, stderr }, at) => {
    const why = stderr.trim().split('\n').at(-1) ?? '';
    return code === 0 ? [] : [{ command: at === 0 ? 'zfs' : 'zpool', why }];
  });
}
