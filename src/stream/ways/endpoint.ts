// A command with its three streams, for who carries the bytes of a small stream from one to another: on a lane of a
// remote host (lane-command.ts), or, made here, a process of this machine.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Host } from '../../host/host';
import { signalGroup } from '../../host/local/local-process';
import { KILL_AFTER_MS } from './grace';

export interface Status {
  code: number | null;
  signal: string | null;
}

export interface Endpoint {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** How it ended; rejects with the connection codes when the connection broke. */
  ended: Promise<Status>;
  /** Nothing more is written to `stdin`. `whole`: who wrote it says that this was all. */
  endInput(whole: boolean): void;
  /** Ends it by closing its streams, or with TERM where it is a process of this machine. */
  end(): void;
  /** Call when nothing more is wanted of it. */
  release(): void;
}

/** A command of a host without channels, as the process of this machine that it is. */
export async function startLocal(host: Host, argv: readonly string[], tag: string): Promise<Endpoint> {
  const spec = await host.pipeCommand(argv, { tag });
  const child = spawn(spec.file, spec.args, { cwd: '/', env: spec.env, stdio: 'pipe', detached: true });
  let killer: NodeJS.Timeout | undefined;
  let done = false;
  const ended = new Promise<Status>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      done = true;
      clearTimeout(killer);
      resolve({ code, signal });
    });
  });
  ended.then(
    (status) => spec.release(status),
    (error: Error) => spec.release(error),
  );
  const { stdin, stdout, stderr } = child;
  const endInput = (): void => void stdin.end();
  // The whole process group: TERM ends the wrapper shell at once and would leave its child, which may read nothing.
  const end = (): void => {
    if (done) return;
    signalGroup(child, 'SIGTERM');
    killer ??= setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  };
  return { stdin, stdout, stderr, ended, endInput, end, release: () => undefined };
}
