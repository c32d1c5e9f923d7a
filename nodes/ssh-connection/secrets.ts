// Which secrets go with the values of a connection that a request names: those of the request, those that wait for the
// connection to be deployed, and those that are stored for it – each for the account alone that it is good for.
import { readString, type RawOptions } from '../../src/options/read';
import { accountOf } from '../admin/account';
import { stagedCredentials } from '../admin/staged-keys';
import { CREDENTIALS } from '../node-options';
import { connectionHandle } from '../runtime/host-leases';
import type { Red } from '../runtime/red';
import type { SshCredentials } from './ssh-options';

/** What Node-RED's editor shows in place of a stored secret. */
const STORED = '__PWRD__';

/** The values mean the account that the connection of this id is deployed for, by the same next stop. */
export function isDeployedAccount(RED: Red, id: string, values: RawOptions): boolean {
  const deployed = id === '' ? undefined : connectionHandle(RED, id)?.values;
  return (
    deployed !== undefined &&
    accountOf(deployed) === accountOf(values) &&
    readString(deployed, 'jumpConnection') === readString(values, 'jumpConnection')
  );
}

/** `given`: secrets by name. `mayUseStored`: the caller has made sure that the stored ones get to their own account. */
export function secretsOf(
  RED: Red,
  id: string,
  values: RawOptions,
  given: RawOptions,
  mayUseStored: boolean,
): SshCredentials {
  const own = mayUseStored ? (RED.nodes.getCredentials(id) as SshCredentials | undefined) : undefined;
  const staged: SshCredentials | undefined = stagedCredentials(id, values);
  // A key that waits for the next deploy is the one that is to be used, and it has no passphrase.
  const stored = { ...own, ...(staged && { passphrase: '', ...staged }) };
  const result: SshCredentials = {};
  for (const name of CREDENTIALS['zfs-ssh-connection']) {
    const value = given[name];
    const secret = value === undefined || value === STORED ? stored[name] : value;
    if (typeof secret === 'string') result[name] = secret;
  }
  return result;
}
