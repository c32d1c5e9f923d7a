// Cuts a byte stream into lines of text without keeping more than one line. What a line means is up to the reader.
import { StringDecoder } from 'node:string_decoder';

export class LineReader {
  private readonly decoder = new StringDecoder('utf8');
  private partial = '';

  /** `whole`: false for a last line that no newline ends. */
  constructor(private readonly onLine: (line: string, whole: boolean) => void) {}

  push(chunk: Buffer): void {
    const lines = (this.partial + this.decoder.write(chunk)).split('\n');
    this.partial = lines.pop() ?? '';
    for (const line of lines) this.onLine(line, true);
  }

  /** What came after the last newline so far. */
  get rest(): string {
    return this.partial;
  }

  /** Gives the unterminated last line, if there is one. */
  end(): void {
    const last = this.partial + this.decoder.end();
    this.partial = '';
    if (last !== '') this.onLine(last, false);
  }
}

/** Keeps the last `limit` characters of what it is given, whole lines as far as possible. */
export class Tail {
  private text = '';

  constructor(private readonly limit = 65_536) {}

  add(line: string): void {
    this.text += `${line}\n`;
    if (this.text.length <= 2 * this.limit) return;
    this.text = this.cut();
  }

  toString(): string {
    return this.text.length > this.limit ? this.cut() : this.text;
  }

  private cut(): string {
    const end = this.text.slice(-this.limit);
    const newline = end.indexOf('\n');
    return newline >= 0 && newline < end.length - 1 ? end.slice(newline + 1) : end;
  }
}
