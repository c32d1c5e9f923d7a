// Runs one verification in a process of its own, to be killed; leftovers.test.ts starts it. The only argument is JSON:
// { options, hosts: [SshHostOptions] }.
import type { HostResolver } from '../../../src/host/host';
import { SshHost } from '../../../src/host/ssh/ssh-host';
import type { SshHostOptions } from '../../../src/host/ssh/ssh-options';
import { parseVerifyOptions } from '../../../src/verify/check-options';
import { verify } from '../../../src/verify/verify';
import { TestContext } from '../../support/test-context';

const { options, hosts } = JSON.parse(process.argv[2] ?? '{}') as {
  options: Record<string, unknown>;
  hosts: SshHostOptions[];
};
const all = new Map(hosts.map((host) => [host.id, new SshHost(host)]));
const resolve: HostResolver = (id) => all.get(id) ?? new SshHost(hosts[0] as SshHostOptions);

void verify(parseVerifyOptions(options), resolve, new TestContext());
