// A program of its own: carries one remote command's standard input and output over ssh2, where there is no `ssh`
// program that works, or it cannot log in with a password. It is a process because ssh2 would keep Node-RED's event loop busy.
// Its settings, secrets included, come in as JSON on file descriptor 3. Exit code: the command's, 255 for the rest.
import { readFileSync } from 'node:fs';
import type { ClientChannel } from 'ssh2';
import { toZfsFlowError } from '../../base/errors';
import { connect, type ConnectOptions } from './connect';
import { connectionLost, HELPER_ERROR } from '../connection-errors';

export interface SshPipeRequest {
  options: ConnectOptions;
  command: string;
}

function fail(thrown: unknown): void {
  const error = toZfsFlowError(thrown, 'CONNECTION_LOST');
  process.stderr.write(`${HELPER_ERROR} ${error.code} ${error.message.replaceAll('\n', ' ')}\n`, () =>
    process.exit(255),
  );
}

async function main(): Promise<void> {
  const { options, command } = JSON.parse(readFileSync(3, 'utf8')) as SshPipeRequest;
  const client = await connect(options);
  let ended = false;
  let cause: Error | undefined;
  client.on('error', (error) => {
    cause ??= error;
    client.destroy();
  });
  client.on('close', () => {
    if (!ended) fail(connectionLost(options.label, cause));
  });
  client.exec(command, (error, channel) => {
    if (error) return fail(connectionLost(options.label, error));
    carry(channel, (code) => {
      ended = true;
      client.end();
      process.exitCode = code;
    });
  });
}

function carry(channel: ClientChannel, done: (code: number) => void): void {
  process.stdin.on('error', () => channel.end());
  // The reader has gone: like any program in a pipe, end. Closing the channel ends the remote command.
  process.stdout.on('error', () => process.exit(141));
  process.stderr.on('error', () => undefined);
  channel.on('error', () => undefined);
  process.stdin.pipe(channel);
  channel.pipe(process.stdout);
  channel.stderr.pipe(process.stderr);
  channel.on('close', (code: number | null | undefined, signal: string | undefined) => {
    process.stdin.destroy();
    if (typeof code === 'number') return done(code);
    if (signal) process.stderr.write(`the remote command was ended by ${signal}\n`);
    done(signal ? 128 : 255);
  });
}

main().catch(fail);
