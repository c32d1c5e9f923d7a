// What this process does, line by line on standard error when it was started with NODE_DEBUG=zfs-flows: without a node, in
// tests, in the field. Costs nothing else; ask `debug.enabled` before anything that is made only to be shown.
import { debuglog } from 'node:util';

/** Takes a `util.format` text and its values. Never give it a secret, nor what goes to standard input. */
export const debug = debuglog('zfs-flows');
