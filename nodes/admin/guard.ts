// Requests from other sites (face.md §1). Where Node-RED asks for no login, nothing but this keeps a page that somebody has
// open in another tab from sending requests to the endpoints: with stored keys, to any host, seen by nobody. A browser says
// where a request comes from (Sec-Fetch-Site, Origin) and asks first for what no form can send (JSON); what says neither is
// no browser.
import type { IncomingHttpHeaders } from 'node:http';

/** Why a request is not served, or null. */
export type Objection = 'notJson' | 'otherSite' | null;

export interface Trust {
  /** Setting `zfsTrustProxy`: a proxy in front sets X-Forwarded-Host. Otherwise a page could forge it. */
  proxy: boolean;
}

const first = (header: string | string[] | undefined): string | undefined =>
  (Array.isArray(header) ? header.join(',') : header)?.split(',', 1)[0]?.trim();

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** `name:port` as URLs have it: lower case, without the port that the scheme implies; undefined for what is none. */
function hostOf(protocol: string, host: string | undefined): string | undefined {
  if (host === undefined || host === '' || /[\s/?#@\\]/.test(host)) return undefined;
  return parsed(`${protocol}//${host}`)?.host;
}

/** The page that asks was served by this very host. */
function isSameOrigin(headers: IncomingHttpHeaders, { proxy }: Trust): boolean {
  const origin = parsed(headers.origin ?? '');
  // A sandboxed frame says "null".
  if (origin === undefined || !/^https?:$/.test(origin.protocol)) return false;
  const hosts = [headers.host, ...(proxy ? [first(headers['x-forwarded-host'])] : [])];
  return hosts.some((host) => hostOf(origin.protocol, host) === origin.host);
}

const isJson = (type: string | undefined): boolean =>
  type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';

/** Judges a POST by its headers. */
export function objectionTo(headers: IncomingHttpHeaders, trust: Trust): Objection {
  if (!isJson(headers['content-type'])) return 'notJson';
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? null : 'otherSite';
  return headers.origin === undefined || isSameOrigin(headers, trust) ? null : 'otherSite';
}
