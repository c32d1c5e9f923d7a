// An end of a stream on a remote machine: follows the script (host/shell/far-end-script.ts) over a channel of the control
// connection. The secret travels there and nowhere else.
import type { Readable } from 'node:stream';
import type { Channels, Session } from '../../host/channels';
import { followed } from '../../host/command-log';
import { LineReader, Tail } from '../../host/lines';
import { farEndScript } from '../../host/shell/far-end-script';
import { newMarker } from '../../host/shell/marked-output';
import { displayCommand } from '../../host/shell/quote';
import { tlsSession } from './tls-session';
import type { EndReport, EndTask, WireEnd } from './wire-end';

/** After `end()`, until the script must have ended everything: its own watchdog takes up to three seconds. Milliseconds. */
const LAST_MS = 4_000;

/** What the script makes with mktemp: nothing else is ever removed for it. */
const DIRECTORY = /^\/[^\0\n]*\/zfsflow-[0-9A-Za-z]{10}$/;

/** A token that is no key: it is shown to whoever answers. */
export function tokenOf(key: Buffer): string {
  return key.toString('hex');
}

function secretOf({ protocol, key, cipher }: EndTask): string {
  if (protocol === 'plain') return tokenOf(key);
  return tlsSession(key, cipher, Date.now() / 1000).toString('base64');
}

/** Throws the connection codes, CANCELLED. */
export async function openFarEnd(channels: Channels, task: EndTask): Promise<WireEnd> {
  const { carrier, direction, commands, tag, signal } = task;
  if (carrier === null) throw new TypeError('a remote end needs a program that carries');
  const { argv, filters } = commands;
  const all = direction === 'send' ? [argv, ...filters] : [...filters, argv];
  const { listens, address, ports } = task;
  const end = { carrier, commands: all, direction, listens, address, ports };
  const marker = newMarker();
  const noted = channels.note(all.map(displayCommand).join(' | '));
  try {
    const session = await channels.open(farEndScript(end, marker, channels.setup), tag, signal);
    const opened = new FarEnd(session, marker, task);
    session.channel.write(`${secretOf(task)}\n`);
    const ended = followed([noted], opened.ended, ({ stage }) => [stage]);
    ended.catch(() => undefined);
    return opened;
  } catch (error) {
    noted(error as Error);
    throw error;
  }
}

class FarEnd implements WireEnd {
  readonly listening: WireEnd['listening'];
  readonly connected: WireEnd['connected'];
  readonly ended: Promise<EndReport>;
  private settleListening: (place: { port: number; address: string }) => void = () => undefined;
  private settleConnected: (how: { cipher: string }) => void = () => undefined;
  private settle: (error?: Error) => void = () => undefined;
  private readonly report: EndReport;
  private readonly tail = new Tail();
  private begun = false;
  private exit: number | null = null;
  private last: NodeJS.Timeout | undefined;

  constructor(
    private readonly session: Session,
    private readonly marker: string,
    private readonly task: EndTask,
  ) {
    const stage = { code: null, signal: null, stderr: '', ended: false };
    this.report = { stage, between: [], connected: false, noPort: false, directory: '', said: '' };
    this.listening = new Promise((resolve) => (this.settleListening = resolve));
    this.connected = new Promise((resolve) => (this.settleConnected = resolve));
    this.ended = this.follow();
    this.ended.catch(() => undefined);
  }

  connect(port: number): void {
    this.session.channel.write(`${port}\n`);
  }

  /** The end of the script's input makes it end everything, the carrier first; then the channel is closed. */
  end(): void {
    if (this.last) return;
    this.report.stage.ended ||= this.report.stage.code === null;
    this.session.channel.end();
    this.last = setTimeout(() => {
      this.session.channel.close();
      // A machine that does not answer any more never says that it has closed it.
      this.settle();
    }, LAST_MS);
  }

  private async follow(): Promise<EndReport> {
    const { session, report } = this;
    const { channel } = session;
    try {
      await new Promise<void>((resolve, reject) => {
        this.settle = (error) => (error ? reject(error) : resolve());
        session.onLost((error) => this.settle(error));
        channel.on('error', () => undefined);
        channel.on('exit', (code: number | null) => (this.exit = code));
        channel.on('close', () => this.settle());
        this.read(channel, (line) => this.line(line));
        this.read(channel.stderr, (line) => {
          if (this.begun) this.say(line);
        });
      });
    } finally {
      clearTimeout(this.last);
      channel.close();
      session.release();
    }
    // The exit code of a script that had no `zfs` to tell of is its own; without one that told of it nothing has succeeded.
    if (this.exit !== 0) report.stage.code ??= this.exit;
    report.stage.stderr = this.tail.toString();
    return report;
  }

  private read(stream: Readable, onLine: (line: string) => void): void {
    const reader = new LineReader(onLine);
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        // What `onLine` threw: in a stream's event handler it would end the whole process.
        this.settle(error as Error);
      }
    });
    stream.on('error', () => undefined);
  }

  private line(line: string): void {
    const at = line.indexOf(this.marker);
    if (at < 0) {
      if (this.begun) this.say(line);
      return;
    }
    const [word = '', ...rest] = line.slice(at + this.marker.length + 1).split(' ');
    this.mark(word, rest);
  }

  private mark(word: string, rest: readonly string[]): void {
    const { report } = this;
    const [first = '', second = ''] = rest;
    switch (word) {
      case 'begin':
        this.begun = true;
        break;
      case 'at':
        if (DIRECTORY.test(rest.join(' '))) report.directory = rest.join(' ');
        break;
      case 'port':
        this.settleListening({ port: Number(first), address: second });
        break;
      case 'noport':
        report.noPort = true;
        break;
      case 'connected':
        report.connected = true;
        this.settleConnected({ cipher: '' });
        break;
      case 'said':
        report.said += `${rest.join(' ')}\n`;
        break;
      case this.task.direction:
        report.stage.code = Number(first);
        // All the rest goes with the script, which has nothing else to do any more.
        report.directory = '';
        break;
    }
  }

  private say(line: string): void {
    if (!this.task.onLine(line)) this.tail.add(line);
  }
}
