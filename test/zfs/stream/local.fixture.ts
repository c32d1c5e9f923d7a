// Runs inside a lab machine, where `zfs` is local: one transfer from a dataset of this machine to another of it.
// Arguments: the send and the receive command as JSON. Prints the outcome as JSON.
import { toZfsFlowError } from '../../../src/base/errors';
import { LocalHost } from '../../../src/host/local/local-host';
import { transfer } from '../../../src/stream/transfer';

const [send = '[]', receive = '[]'] = process.argv.slice(2);
const host = new LocalHost();
void transfer({
  source: host,
  sendArgv: JSON.parse(send) as string[],
  target: host,
  receiveArgv: JSON.parse(receive) as string[],
  sameHost: true,
  lanes: null,
  tag: 'zfsflow.local',
  signal: new AbortController().signal,
  stallTimeoutMs: 60_000,
})
  .then(({ bytes, stages }) => ({ bytes, codes: stages.map(({ code }) => code) }))
  .catch((thrown: unknown) => {
    const { code, message, details } = toZfsFlowError(thrown);
    return { code, message, details };
  })
  .then((outcome) => console.log(JSON.stringify(outcome)));
