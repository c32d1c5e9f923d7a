// What the field of trusted host keys may hold. That a line looks like a key is all that is checked here; parsing and
// comparing keys is src/host.

/** `ssh-ed25519 AAAA…`, or a line of known_hosts, which has the names of the host before it. */
function hostKeyLineProblem(node: EditorNode, line: string): string | null {
  const words = line.trim().split(/\s+/);
  const type = words.findIndex((word) => /^(?:ssh-|ecdsa-|sk-)/.test(word));
  const key = type < 0 || type > 2 ? undefined : words[type + 1];
  if (key === undefined || !/^[A-Za-z0-9+/]{40,}={0,2}$/.test(key)) return node._('invalid.hostKey', { line });
  return null;
}

/** Why the whole text is refused, or null. Empty lines and comments do not count. */
export function hostKeysProblem(node: EditorNode, text: string): string | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length === 0) return node._('invalid.noHostKey');
  return lines.map((line) => hostKeyLineProblem(node, line)).find((problem) => problem !== null) ?? null;
}
