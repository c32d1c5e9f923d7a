// Cuts what a lane prints for one command out of a byte stream that goes on: a key that nothing else prints by chance ends
// it, wherever in a packet that comes.

/** Everything up to the key belongs to the command; what follows the key is its exit code. */
export class UntilKey {
  /** More came after the code. */
  excess = false;
  private rest: Buffer = Buffer.alloc(0);
  private found = false;
  private known = false;

  constructor(
    private readonly key: Buffer,
    private readonly give: (chunk: Buffer) => void,
    private readonly onCode: (code: number) => void,
  ) {}

  push(chunk: Buffer): void {
    if (this.known) {
      this.excess = true;
      return;
    }
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    if (!this.found) {
      const at = this.rest.indexOf(this.key);
      this.found = at >= 0;
      const end = this.found ? at : this.rest.length - this.overlap();
      if (end > 0) this.give(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(this.found ? at + this.key.length : end);
    }
    const newline = this.found ? this.rest.indexOf(0x0a) : -1;
    if (newline < 0) return;
    this.known = true;
    this.excess = newline + 1 < this.rest.length;
    this.onCode(Number(this.rest.subarray(0, newline).toString('latin1')));
  }

  /** What came before the lane was closed. */
  flush(): void {
    if (!this.found && this.rest.length > 0) this.give(this.rest);
  }

  /** How many bytes at the end may be the beginning of the key. */
  private overlap(): number {
    for (let length = Math.min(this.key.length - 1, this.rest.length); length > 0; length--) {
      if (this.rest.subarray(-length).equals(this.key.subarray(0, length))) return length;
    }
    return 0;
  }
}
