// Strings that are kept for long, out of text that is not. V8 makes a part of a string a reference to the whole: one name of a
// listing keeps all lines alive that were read with it.

/** Characters: the longest name that ZFS has, and more. */
const LONGEST = 300;
/** With room for all bytes of whatever text: one that did not fit could seem to be ASCII. */
const scratch = Buffer.alloc(3 * LONGEST);

/** The same text, with nothing else behind it. What is not ASCII, or long, stays as it is. */
export function compact(text: string): string {
  const { length } = text;
  if (length > LONGEST || scratch.write(text, 'utf8') !== length) return text;
  return scratch.toString('latin1', 0, length);
}

/** Texts that are remembered; those of more names at once are kept one by one. */
const MOST = 4096;

/** `compact`, where the same texts come again after others: what is kept of all of them is one. */
export class Recurring {
  private readonly known = new Map<string, string>();

  of(text: string): string {
    const before = this.known.get(text);
    if (before !== undefined) return before;
    if (this.known.size >= MOST) this.known.clear();
    const kept = compact(text);
    this.known.set(kept, kept);
    return kept;
  }
}
