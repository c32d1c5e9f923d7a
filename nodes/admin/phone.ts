// The page for a phone (nodes/phone, put together by the build): static, without data, so it needs no login; what it shows it asks
// for. Carries all of itself, since Node-RED serves no resources of packages where the editor is turned off.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface PhonePage {
  html: string;
  /** Content-Security-Policy: what is in the page may run, and nothing else; it may ask this server, and nobody else. */
  policy: string;
}

let page: PhonePage | undefined;

/** Throws where the package was not built. */
export function phonePage(): PhonePage {
  page ??= read();
  return page;
}

function read(): PhonePage {
  const html = readFileSync(path.join(__dirname, '..', 'phone', 'en-US.html'), 'utf8');
  const hashes = (tag: string): string =>
    [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))]
      .map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      .join(' ');
  const rules = {
    'default-src': "'none'",
    'script-src': hashes('script'),
    'style-src': hashes('style'),
    'connect-src': "'self'",
    'img-src': 'data:',
    'base-uri': "'none'",
    'form-action': "'self'",
    'frame-ancestors': "'self'",
  };
  const policy = Object.entries(rules).map(([name, value]) => `${name} ${value}`).join('; '); // prettier-ignore
  return { html, policy };
}
