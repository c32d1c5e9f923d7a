// What the wizard asks the runtime of its answers, before anything of them is placed: `check-replication`, and with the same
// `preview-retention`, take the properties that the nodes would have, and the connections that are not deployed yet. Pure.
import { storesKey, type Answers } from './answers';
import { usedConnections } from './flow';
import { replicateValues, snapshotValues } from './node-values';

/** For `preview-retention`: what of the target would go now. */
export function previewQuestion(answers: Answers): Record<string, unknown> {
  const connections = usedConnections(answers);
  return {
    ...replicateValues(answers),
    ...(connections.length === 0
      ? {}
      : { connections: Object.fromEntries(connections.map(({ id, values }) => [id, values])) }),
  };
}

/** For `check-replication`. Has the key for the target in it, where Node-RED is to keep it. */
export function checkQuestion(answers: Answers): Record<string, unknown> {
  return {
    ...previewQuestion(answers),
    snapshot: snapshotValues(answers),
    ...(storesKey(answers) ? { encryptionKey: answers.encryptionKey } : {}),
  };
}
