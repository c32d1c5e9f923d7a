// Runs one replication inside a lab machine, where the machine's own ZFS is the local one; topologies.test.ts
// starts it. The only argument is JSON: { options, hosts: [SshHostOptions] }.
import type { Host, HostResolver } from '../../../src/host/host';
import { toZfsFlowError } from '../../../src/base/errors';
import { LocalHost } from '../../../src/host/local/local-host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import { parseReplicateOptions } from '../../../src/replication/setup/check-options';
import { replicate } from '../../../src/replication/replicate';

interface Input {
  options: Record<string, unknown>;
  hosts: SshHostOptions[];
}

async function main(): Promise<void> {
  const { options, hosts } = JSON.parse(process.argv[2] ?? '{}') as Input;
  const all = new Map<string, Host>([['', new LocalHost()]]);
  for (const host of hosts) all.set(host.id, new SshHost(host));
  const resolve: HostResolver = (id) => all.get(id) ?? new LocalHost();
  try {
    const result = await replicate(parseReplicateOptions(options), resolve, {
      jobId: 'inside',
      task: 'inside',
      signal: new AbortController().signal,
      now: () => new Date(),
      emit: () => undefined,
      partial: () => undefined,
      onSpeedLimit: () => undefined,
    });
    console.log(JSON.stringify({ result }));
  } catch (thrown) {
    const { code, message } = toZfsFlowError(thrown);
    console.log(JSON.stringify({ error: { code, message } }));
  } finally {
    await Promise.all([...all.values()].map((host) => host.close()));
  }
}

void main();
