// A file or a long text as the endpoint takes it: whole where it is small, else in pieces that wait on the server. Node-RED takes
// bodies of 5 MB.
import { ask, isRefusal, type Refusal } from '../../dialog/admin';
import { t } from './translate';

/** Bytes; those of a piece are a multiple of three, so that its base64 is complete. */
const WHOLE = 3_000_000;
const PIECE = 1_500_000;
const LARGEST = 64 << 20;

export type Source = { file: string } | { upload: string };

/** `told`: how many percent are there. */
export async function sourceOf(
  content: Blob,
  signal: AbortSignal,
  told: (percent: number) => void,
): Promise<Source | Refusal> {
  const { size } = content;
  if (size > LARGEST) return { ok: false, field: 'file', message: t('source.tooLarge') };
  try {
    if (size <= WHOLE) return { file: await base64(content) };
    const upload = RED.nodes.id();
    const of = Math.ceil(size / PIECE);
    for (let part = 0; part < of; part++) {
      const data = await base64(content.slice(part * PIECE, (part + 1) * PIECE));
      const answer = await ask<{ ok: true }>('truenas-import', { upload, part, of, data }, t, signal);
      if (isRefusal(answer)) return answer;
      told(Math.floor(((part + 1) / of) * 100));
    }
    return { upload };
  } catch {
    // Removed or changed since it was chosen.
    return { ok: false, field: 'file', message: t('source.unreadable') };
  }
}

function base64(content: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      const url = reader.result;
      resolve(typeof url === 'string' ? url.slice(url.indexOf(',') + 1) : '');
    });
    reader.addEventListener('error', () => reject(reader.error ?? new Error('unreadable')));
    reader.readAsDataURL(content);
  });
}
