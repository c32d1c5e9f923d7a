// Where a TrueNAS is: what a person types or copies out of the browser's address bar.
import { isIPv6 } from 'node:net';
import { invalidOption } from '../../base/errors';

export interface Address {
  /** https and wss, else http and ws. */
  secure: boolean;
  /** A name or an IP address, IPv6 without brackets. */
  host: string;
  port: number;
}

const SCHEMES: Readonly<Record<string, boolean>> = { 'https:': true, 'wss:': true, 'http:': false, 'ws:': false };

/** A name alone means https. Path and query are the page that somebody looked at, and do not matter. Throws INVALID_OPTIONS, field `url`. */
export function parseAddress(text: string): Address {
  const typed = text.trim();
  if (typed === '') throw invalidOption('url', 'the URL of the TrueNAS is missing');
  const url = parsed(/^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https://${typed}`);
  const secure = url && SCHEMES[url.protocol];
  // The text itself is not repeated: it may hold a password.
  if (!url || secure === undefined || url.hostname === '') {
    throw invalidOption('url', 'this is not the URL of a TrueNAS', 'Expected something like https://nas.example.');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidOption('url', 'a user name or password must not stand in the URL', 'Enter them in their own fields.');
  }
  return { secure, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || (secure ? 443 : 80)) };
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** `name:port`, without the port that the scheme implies, as the header Host has it. */
export function hostHeader({ secure, host, port }: Address): string {
  const name = isIPv6(host) ? `[${host}]` : host;
  return port === (secure ? 443 : 80) ? name : `${name}:${port}`;
}

/** `https://nas:8443` */
export function shownUrl(address: Address): string {
  return `http${address.secure ? 's' : ''}://${hostHeader(address)}`;
}

/**
 * Where a redirect leads, when it may be followed: from http to https on the same host. Whoever sits on the cable can answer
 * plain http with any redirect, so another host, which may well have a certificate of its own, is never followed.
 */
export function followable(from: Address, location: string | undefined): Address | undefined {
  const url = location === undefined ? undefined : parsed(location);
  if (from.secure || url?.protocol !== 'https:') return undefined;
  const to = parseAddress(url.origin);
  return to.host === from.host ? to : undefined;
}
