// An end of a stream on this machine: `zfs`, its filters and a limiter, and the process with the connection (../tcp-pipe.ts),
// joined by kernel pipes like every pipeline here.
import { extname, join } from 'node:path';
import type { Writable } from 'node:stream';
import type { ProcessSpec } from '../../host/host';
import { cancelled } from '../../host/run-options';
import { runPipeline } from '../ways/local-pipeline';
import { tokenOf } from './far-end';
import { readPipeLine, type PipeRequest, type PipeWord } from './pipe-words';
import type { EndReport, EndTask, WireEnd } from './wire-end';

export async function openNearEnd(task: EndTask): Promise<WireEnd> {
  const end = new NearEnd(task);
  await end.start();
  return end;
}

class NearEnd implements WireEnd {
  readonly listening: WireEnd['listening'];
  readonly connected: WireEnd['connected'];
  ended: Promise<EndReport> = Promise.reject(new TypeError('not started'));
  private settleListening: (place: { port: number; address: string }) => void = () => undefined;
  private settleConnected: (how: { cipher: string }) => void = () => undefined;
  private readonly stop = new AbortController();
  private control: Writable | undefined;
  private request: PipeRequest;
  private isAsked: boolean;
  private readonly seen = { connected: false, noPort: false, said: '' };

  constructor(private readonly task: EndTask) {
    const { direction, listens, protocol, cipher, key, address, ports } = task;
    const secret = protocol === 'tls' ? key.toString('base64') : tokenOf(key);
    this.request = { direction, listens, protocol, cipher, secret, host: address, ports };
    this.isAsked = listens;
    this.listening = new Promise((resolve) => (this.settleListening = resolve));
    this.connected = new Promise((resolve) => (this.settleConnected = resolve));
    this.ended.catch(() => undefined);
  }

  async start(): Promise<void> {
    const { task } = this;
    const specs = await this.specs();
    const isSender = task.direction === 'send';
    const carrier = isSender ? specs.length - 1 : 0;
    const zfs = isSender ? 0 : specs.length - 1;
    const signal = AbortSignal.any([task.signal, this.stop.signal]);
    const onLine = (stage: number, line: string): boolean => {
      if (stage === carrier) return this.word(line);
      return stage === zfs && task.onLine(line);
    };
    this.ended = runPipeline(specs, { signal, onLine }).then((results): EndReport => {
      const stage = results[zfs];
      if (!stage) throw new TypeError('a stage has a result');
      const between = results.filter((_, index) => index !== zfs && index !== carrier);
      const said = `${this.seen.said}${results[carrier]?.stderr ?? ''}`;
      return { ...this.seen, said, stage, between, directory: '' };
    });
    this.ended.catch(() => undefined);
  }

  connect(port: number): void {
    this.request = { ...this.request, port };
    this.isAsked = true;
    this.ask();
  }

  end(): void {
    this.stop.abort();
    this.control?.destroy();
  }

  private async specs(): Promise<ProcessSpec[]> {
    const { host, commands, direction, tag, rateLimit, signal } = this.task;
    const { argv, filters } = commands;
    const around = direction === 'send' ? { after: filters } : { before: filters };
    const zfs = await host.pipeCommand(argv, { tag, ...around });
    if (signal.aborted) {
      zfs.release();
      throw cancelled('the transfer');
    }
    const limiter = rateLimit?.limited ? [rateLimit.stage()] : [];
    const carrier = this.carrier();
    return direction === 'send' ? [zfs, ...limiter, carrier] : [carrier, ...limiter, zfs];
  }

  private carrier(): ProcessSpec {
    // Compiled it is a .js file beside this folder; in tests, run by tsx, a .ts file that needs tsx as well.
    const type = extname(__filename);
    const loader = type === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
    return {
      file: process.execPath,
      args: [...loader, join(__dirname, '..', `tcp-pipe${type}`)],
      env: { PATH: process.env['PATH'], NODE_OPTIONS: '' },
      control: (stream) => {
        this.control = stream;
        stream.on('error', () => undefined);
        this.ask();
      },
      release: () => this.control?.destroy(),
    };
  }

  private ask(): void {
    if (this.isAsked) this.control?.write(`${JSON.stringify(this.request)}\n`);
  }

  private word(line: string): boolean {
    const word = readPipeLine(line);
    if (!word) return false;
    this.take(word);
    return true;
  }

  private take(word: PipeWord): void {
    const { seen } = this;
    if ('listening' in word) this.settleListening({ port: word.listening, address: word.address });
    else if ('noPort' in word) seen.noPort = true;
    else if ('refused' in word) seen.said += `${word.refused}\n`;
    else if ('error' in word) seen.said += `${word.error} ${word.message}\n`;
    else {
      seen.connected = true;
      this.settleConnected({ cipher: word.cipher ?? '' });
    }
  }
}
