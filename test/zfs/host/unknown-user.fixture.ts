// Runs as a user whom the passwd database does not know, as Docker's `user:` makes them: a command on a host, then 3 MB to
// it and back. The connection comes as JSON on standard input; prints the outcome as JSON.
import { readFileSync } from 'node:fs';
import { toZfsFlowError } from '../../../src/base/errors';
import { LocalHost } from '../../../src/host/local/local-host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import { transfer } from '../../../src/stream/transfer';

const SEND = ['head', '-c', '3000000', '/dev/zero'];
const RECEIVE = ['sh', '-c', 'echo "received $(wc -c) bytes"'];

async function main(): Promise<unknown> {
  const local = new LocalHost();
  const remote = new SshHost(JSON.parse(readFileSync(0, 'utf8')) as SshHostOptions);
  const said: string[] = [];
  try {
    const { stdout } = await remote.run(['echo', 'hi']);
    for (const [source, target] of [
      [local, remote],
      [remote, local],
    ] as const) {
      const move = { source, sendArgv: SEND, target, receiveArgv: RECEIVE, sameHost: false, lanes: null };
      const { signal } = new AbortController();
      const { stages } = await transfer({ ...move, tag: 'zfsflow.unknown', signal, stallTimeoutMs: 30_000 });
      said.push(stages.map(({ stderr }) => stderr.trim()).join(''));
    }
    return { uid: process.getuid?.(), stdout, said };
  } finally {
    await remote.close();
  }
}

void main()
  .catch((thrown: unknown) => {
    const { code, message } = toZfsFlowError(thrown);
    return { code, message };
  })
  .then((outcome) => console.log(JSON.stringify(outcome)));
