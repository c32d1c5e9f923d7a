// Processes of this machine that carry the standard input and output of a command on the host, for bulk data: each has a
// connection of its own, made by the `ssh` program or by our helper (pipe-process.ts).
import { extname, join } from 'node:path';
import type { HostFacts, ProcessSpec } from '../host';
import { newMarker, type CommandSetup } from '../shell/marked-output';
import { remotePipelineScript } from '../shell/pipeline-script';
import { remoteCommand } from '../shell/quote';
import type { SshPipeRequest } from './pipe-process';
import type { SshHostOptions } from './ssh-options';
import { SshProgramFiles, wantedCiphers } from './ssh-program';
import { workingSsh, type SshProgram } from './working-ssh';

/** A host with the jump hosts before it, itself first. */
function wayTo(options: SshHostOptions): SshHostOptions[] {
  return [options, ...(options.jump === undefined ? [] : wayTo(options.jump))];
}

export class SshPipes {
  /** Connections that were made for processes so far. */
  count = 0;
  private readonly files: SshProgramFiles;

  constructor(
    private readonly options: SshHostOptions,
    private readonly setup: CommandSetup,
  ) {
    this.files = new SshProgramFiles(options);
  }

  /** Carries a pipeline of `argvs`. Throws AUTHENTICATION_FAILED. */
  async carry(argvs: readonly (readonly string[])[], tag: string, facts: HostFacts): Promise<ProcessSpec> {
    const marker = facts.noisyShell ? newMarker() : undefined;
    const command = remoteCommand(remotePipelineScript(argvs, this.setup, marker), tag);
    this.count++;
    const program = await this.program();
    const spec = program ? await this.bySsh(program, command, facts.aes) : this.byHelper(command);
    return marker === undefined ? spec : { ...spec, outputMarker: marker };
  }

  /** An `ssh` that can go the whole way; it takes no password from a program. */
  private async program(): Promise<SshProgram | undefined> {
    const way = wayTo(this.options);
    if (way.some(({ auth }) => auth.method === 'password')) return undefined;
    const programs = await Promise.all(way.map(({ ciphers }) => workingSsh(wantedCiphers(ciphers))));
    const [first] = programs;
    if (first === undefined || programs.some((program) => program?.file !== first.file)) return undefined;
    return { file: first.file, ciphers: new Set(programs.flatMap((program) => [...(program?.ciphers ?? [])])) };
  }

  private async bySsh(program: SshProgram, command: string, remoteAes: boolean): Promise<ProcessSpec> {
    const { args, release } = await this.files.acquire(program, remoteAes);
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C' };
    return { file: program.file, args: [...args, command], env, release };
  }

  private byHelper(command: string): ProcessSpec {
    const request: SshPipeRequest = { options: this.options, command };
    // Compiled it is a .js file beside this one; in tests, run by tsx, a .ts file that needs tsx as well.
    const type = extname(__filename);
    const loader = type === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
    const env = { ...process.env, LC_ALL: 'C', NODE_OPTIONS: '' };
    const args = [...loader, join(__dirname, `pipe-process${type}`)];
    return { file: process.execPath, args, env, secretInput: JSON.stringify(request), release: () => undefined };
  }
}
