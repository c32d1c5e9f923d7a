// The properties of each node type, from the tables of the capabilities and what every node has. The runtime resolves
// them, the dialogs edit and check them, the build writes the definitions' defaults from them, the reference names them.
import { section, type FieldTable } from '../src/options/field';
import { flag } from '../src/options/kinds';
import { REPLICATE } from '../src/replication/setup/options';
import { PRUNE } from '../src/retention/options';
import { LIST, SNAPSHOT } from '../src/snapshots/options';
import { VERIFY } from '../src/verify/options';
import { IDENTITY, RUNNING, SCHEDULE, type NodeType } from './node-options';
import { SSH_CONNECTION } from './ssh-connection/ssh-options';

/** The engine takes what it is given; that a message must not choose what destroys data is the node's affair. */
const FROM_MESSAGES = section('safety', { allowDestructiveFromMessage: flag(false) });

export const FIELDS = {
  'zfs-ssh-connection': { ...IDENTITY, ...SSH_CONNECTION },
  'zfs-snapshot': { ...IDENTITY, ...SNAPSHOT, ...SCHEDULE, ...RUNNING },
  'zfs-list-snapshots': { ...IDENTITY, ...LIST, ...RUNNING },
  'zfs-replicate': { ...IDENTITY, ...REPLICATE, ...FROM_MESSAGES, ...SCHEDULE, ...RUNNING },
  'zfs-retention-prune': { ...IDENTITY, ...PRUNE, ...SCHEDULE, ...RUNNING },
  'zfs-verify': { ...IDENTITY, ...VERIFY, ...SCHEDULE, ...RUNNING },
} satisfies Record<NodeType, FieldTable>;
