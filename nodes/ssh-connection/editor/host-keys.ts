// Host keys as a person sees them: what the field of trusted keys may hold, and the fingerprints of those that a machine
// shows. That a line looks like a key is all that is checked here; parsing and comparing keys is src/host.

export interface HostKey {
  type: string;
  /** Base64. */
  key: string;
  /** `SHA256:…` */
  fingerprint: string;
}

/** As the property has them. */
export const keyLines = (keys: readonly HostKey[]): string => keys.map(({ type, key }) => `${type} ${key}`).join('\n');

export function showKeys(keys: readonly HostKey[]): JQuery {
  const list = $('<ul>', { class: 'zfs-key-list' });
  for (const { type, fingerprint } of keys) {
    const item = $('<li>', { 'data-zfs-fingerprint': fingerprint }).appendTo(list);
    $('<span>', { class: 'zfs-key-type' }).text(type).appendTo(item);
    $('<span>').text(` ${fingerprint}`).appendTo(item);
  }
  return list;
}

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
