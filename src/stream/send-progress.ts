// Reads what `zfs send -vP` says on standard error while it runs: the sizes it expects, then once a second how far the
// current snapshot has come. Adds up over snapshots, because its counter starts again with each. What share of a run that is,
// and which of its snapshots, only who planned the run can say.

export interface SendProgress {
  /** Bytes sent so far, never decreasing. */
  bytes: number;
  /** Full name of the snapshot being sent, '' = not known yet. */
  snapshot: string;
}

export class SendProgressReader {
  private readonly expected = new Map<string, number>();
  private readonly order: string[] = [];
  private total = 0;
  private current = '';
  private currentBytes = 0;
  private finishedBytes = 0;
  private receivedBytes = 0;
  private received = 0;

  /** Takes a line of the sender. True when it was one of these lines, so that it is no message to a person. */
  line(text: string): boolean {
    const fields = text.split('\t');
    const [kind = ''] = fields;
    if (kind === 'full' || kind === 'incremental') return this.header(fields);
    if (kind === 'size' && fields.length === 2) {
      this.total = Number(fields[1]) || 0;
      return true;
    }
    if (fields.length !== 3 || !/^\d\d:\d\d:\d\d$/.test(kind)) return false;
    const [, bytes = '', snapshot = ''] = fields;
    this.progress(snapshot, Number(bytes));
    return true;
  }

  /**
   * Takes a line of `zfs receive -v`. "received 1.25M stream in …" is rounded to three digits, but unlike the sender's
   * counter it covers a snapshot to its end.
   */
  receiverLine(text: string): void {
    const [, size, unit] = /^received ([\d.]+)([BKMGTPE])B? stream in /.exec(text) ?? [];
    if (size === undefined || unit === undefined) return;
    this.receivedBytes += Math.round(Number(size) * 1024 ** 'BKMGTPE'.indexOf(unit));
    this.received++;
  }

  get state(): SendProgress {
    return { bytes: this.finishedBytes + this.currentBytes, snapshot: this.current };
  }

  /** Bytes of the whole stream once it is through: as received, else as counted, else as expected. */
  get finalBytes(): number {
    if (this.received > 0 && this.received >= this.order.length) {
      return Math.max(this.receivedBytes, this.state.bytes);
    }
    return Math.max(this.state.bytes, this.total);
  }

  /** `full<TAB>snapshot<TAB>size`, `incremental<TAB>from<TAB>snapshot<TAB>size`; the size is missing where unknown. */
  private header(fields: readonly string[]): boolean {
    const at = fields[0] === 'full' ? 1 : 2;
    const snapshot = fields[at];
    if (snapshot === undefined) return false;
    const size = Number(fields[at + 1] ?? 0) || 0;
    this.expected.set(snapshot, size);
    this.order.push(snapshot);
    return true;
  }

  private progress(snapshot: string, bytes: number): void {
    if (snapshot !== this.current) {
      // Snapshots that were through before a second had passed were never reported.
      const index = this.order.indexOf(snapshot);
      const from = this.order.indexOf(this.current);
      for (const passed of this.order.slice(from + 1, Math.max(from + 1, index))) {
        this.finishedBytes += this.expected.get(passed) ?? 0;
      }
      if (this.current !== '') {
        this.finishedBytes += Math.max(this.currentBytes, this.expected.get(this.current) ?? 0);
      }
      this.current = snapshot;
      this.currentBytes = 0;
    }
    if (Number.isFinite(bytes)) this.currentBytes = Math.max(this.currentBytes, bytes);
  }
}
