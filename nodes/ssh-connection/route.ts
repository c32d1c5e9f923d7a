// From a connection's values and secrets to the settings of its host, with those of the jump hosts on the way there.
import type { SshHostOptions } from '../../src/host/ssh/ssh-options';
import { readString, type RawOptions } from '../../src/options/read';
import { connectionHandle } from '../runtime/host-leases';
import { circle, jumpProblem, missingJump } from '../runtime/jump-chain';
import { migrate } from '../runtime/migrate';
import type { Red } from '../runtime/red';
import { sshHostOptions, type SshCredentials } from './ssh-options';

export interface Stop {
  id: string;
  name: string;
}

/** The settings of a jump host, reached along a way that has come as far as this. */
export type NextStop = (id: string, way: readonly Stop[]) => SshHostOptions;

/**
 * Throws INVALID_OPTIONS with the property in `field`: `jumpConnection` for a circle, or a jump that is not there.
 * `behind`: connections that are reached through this one. `next`: by default the connections that are deployed.
 */
export function routeOptions(
  RED: Red,
  id: string,
  values: RawOptions,
  credentials: SshCredentials,
  behind: readonly Stop[] = [],
  next: NextStop = (jump, way) => deployedStop(RED, jump, way),
): SshHostOptions {
  const options = sshHostOptions(id, values, credentials);
  const jump = readString(values, 'jumpConnection');
  if (jump === '') return options;
  const way = [...behind, { id, name: options.label }];
  const known = way.find((stop) => stop.id === jump);
  if (known !== undefined) throw circle([...way, known].map(({ name }) => name));
  return { ...options, jump: next(jump, way) };
}

/** A connection as it is deployed, with its own secrets and the way that it is deployed with. */
export function deployedStop(RED: Red, id: string, way: readonly Stop[]): SshHostOptions {
  const handle = connectionHandle(RED, id);
  if (handle === undefined) throw jumpProblem(RED, id) ?? missingJump(way.at(-1)?.name ?? '', id);
  return routeOptions(RED, id, migrate({ ...handle.values }), handle.credentials(), way);
}

/** The hashes of the jump connections on the way: a change of one is a change of all behind it. */
export function jumpHashes(RED: Red, id: string, values: RawOptions): string[] {
  const hashes: string[] = [];
  const seen = new Set([id]);
  for (let next = jumpOf(values); next !== '' && !seen.has(next);) {
    seen.add(next);
    const handle = connectionHandle(RED, next);
    hashes.push(handle?.ownHash ?? '');
    next = handle === undefined ? '' : jumpOf(handle.values);
  }
  return hashes;
}

function jumpOf({ jumpConnection }: RawOptions): string {
  return typeof jumpConnection === 'string' ? jumpConnection : '';
}
