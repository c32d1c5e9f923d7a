// Run by set-up-truenas-failures.test.ts in a process of its own, to see what it prints: sets up the TrueNAS that standard input names.
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Secret } from '../../src/base/secret';
import { generateKeyPair } from '../../src/host/ssh/key-pair';
import { setUpTrueNas } from '../../src/ssh-setup/truenas/set-up';

const { url, certificate, password } = JSON.parse(readFileSync(0, 'utf8')) as Record<string, string>;

setUpTrueNas({
  url: url ?? '',
  certificate: certificate ?? '',
  credentials: { kind: 'password', username: 'root', password: new Secret(password ?? '') },
  sshUser: '',
  sudo: 'none',
  insecure: false,
  keyPair: () => generateKeyPair('ed25519'),
}).then(
  () => console.log('done'),
  // With its causes, as a crash would print it.
  (error: unknown) => console.log(inspect(error, { depth: 20, showHidden: true })),
);
