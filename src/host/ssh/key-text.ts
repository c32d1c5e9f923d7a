// The text of a private key as people hand it on – through clipboards, environment variables, JSON, YAML, mail – made what
// its parsers take. The bodies of PEM and OpenSSH keys are base64, so line breaks that were lost can be put back.
// What the key then is, says `private-key.ts`.

/** Every dash that editors make of `-`. */
const DASHES = /[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]/g;
/** Last what UTF-16, as PowerShell redirects, looks like when it is taken for UTF-8. */
const INVISIBLE = /[\u200B-\u200D\u2060\uFEFF\u0000\uFFFD]/g;

/** A marker line, whatever has become of its blanks and the number of its dashes. */
const BEGIN = /-+\s*BEGIN\s+((?:[A-Z0-9]+\s+)*)PRIVATE\s+KEY\s*-+/;
const END = /-+\s*END\s+(?:[A-Z0-9]+\s+)*PRIVATE\s+KEY\s*-+/;
/** RFC 1421, as OpenSSL writes it in encrypted keys. */
const DEK_INFO = /DEK-Info:\s*([A-Z0-9-]+)\s*,\s*/;

/** How a base64 text of "openssh-key-v1\0" and of "-----BEGIN " begins. */
const OPENSSH_BODY = /^b3BlbnNzaC1rZXktdjEA[\w+/=\s]*$/;
const ENCODED = /^LS0tLS1CRUdJTi[\w+/=\s]*$/;

const LINE = 64;

export interface KeyBlock {
  /** `OPENSSH`, `RSA`, `EC`, `ENCRYPTED`, '' … */
  label: string;
  /** The block with its line breaks; null where its end is missing. */
  text: string | null;
}

/** The text without what no key contains: escapes, quotes around it, blanks that are none, other line ends. */
export function tidyText(text: string): string {
  const tidy = unescape(text.replaceAll(INVISIBLE, ''))
    .replaceAll(INVISIBLE, '')
    .replaceAll(DASHES, '-')
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .split('\n')
    .map((line) => line.replaceAll(/\s/g, ' ').trim())
    .join('\n')
    .trim();
  const bare = tidy.replaceAll(/^["'`]+|["'`]+$/g, '').trim();
  // As CI systems want it: the file, base64 again.
  return ENCODED.test(bare) ? tidyText(Buffer.from(bare, 'base64').toString('latin1')) : bare;
}

/** No key has a backslash or a percent sign in it, so these are escapes of whatever carried it. */
function unescape(text: string): string {
  return text
    .replaceAll(/(%[0-9A-F]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
    .replaceAll(/\\+u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/\\+[nr]/g, '\n')
    .replaceAll(/\\+t/g, ' ')
    .replaceAll(/\\+(?=["'/=+]|\s|$)/g, '');
}

/** The first private key in a tidy text; undefined when there is none. */
export function findKeyBlock(text: string): KeyBlock | undefined {
  if (OPENSSH_BODY.test(text)) return { label: 'OPENSSH', text: block('OPENSSH', [], text) };
  const begin = BEGIN.exec(text);
  if (!begin) return undefined;
  const label = (begin[1] ?? '').trim().replaceAll(/\s+/g, ' ');
  const rest = text.slice(begin.index + begin[0].length);
  const end = END.exec(rest);
  if (!end) return { label, text: null };
  const { headers, body } = splitHeaders(rest.slice(0, end.index));
  return { label, text: block(label, headers, body) };
}

/** The headers of an encrypted PEM key, which may stand in one line with all the rest. */
function splitHeaders(content: string): { headers: string[]; body: string } {
  const info = DEK_INFO.exec(content);
  if (!info) return { headers: [], body: content.replaceAll(/^[A-Za-z-]+: .*$/gm, '') };
  const cipher = info[1] ?? '';
  // Two hexadecimal digits for each byte of a cipher block; what follows may look like more of them.
  const digits = cipher.startsWith('DES') ? 16 : 32;
  const from = info.index + info[0].length;
  const iv = content.slice(from, from + digits);
  return { headers: ['Proc-Type: 4,ENCRYPTED', `DEK-Info: ${cipher},${iv}`], body: content.slice(from + digits) };
}

function block(label: string, headers: readonly string[], content: string): string {
  const name = label === '' ? 'PRIVATE KEY' : `${label} PRIVATE KEY`;
  const body = content.replaceAll(/[^A-Za-z0-9+/=]/g, '');
  const lines = body.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  const head = headers.length === 0 ? [] : [...headers, ''];
  return [`-----BEGIN ${name}-----`, ...head, ...lines, `-----END ${name}-----`, ''].join('\n');
}
