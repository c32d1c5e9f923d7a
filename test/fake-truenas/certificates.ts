// Certificates for the fake: signed by themselves as TrueNAS makes them, run out, and by an authority. Made by `openssl`, since
// Node.js can make none.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
  /** PEM */
  key: string;
  cert: string;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'fake-truenas-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** `dates`: YYYYMMDDHHMMSSZ, from and to; else from now on, for a year. */
export function selfSigned(subject = '/C=US/O=iXsystems/CN=localhost', dates?: [string, string]): Promise<Certificate> {
  return inDirectory(async (directory) => {
    const [key, cert] = [path.join(directory, 'key'), path.join(directory, 'cert')];
    if (dates === undefined) {
      await run('openssl', ['req', '-x509', ...KEY, '-subj', subject, '-days', '397', '-keyout', key, '-out', cert]);
    } else {
      const request = path.join(directory, 'request');
      await run('openssl', ['req', ...KEY, '-subj', subject, '-keyout', key, '-out', request]);
      await writeFile(path.join(directory, 'index'), '');
      await writeFile(path.join(directory, 'serial'), '01\n');
      const config = `[ca]\ndefault_ca=a\n[a]\ndatabase=${directory}/index\nserial=${directory}/serial\nnew_certs_dir=${directory}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`;
      await writeFile(path.join(directory, 'config'), config);
      const between = ['-startdate', dates[0], '-enddate', dates[1]];
      const files = ['-config', path.join(directory, 'config'), '-keyfile', key, '-in', request, '-out', cert];
      await run('openssl', ['ca', '-batch', '-selfsign', '-notext', ...files, ...between]);
    }
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  });
}

/** A certificate for `names` (`IP:127.0.0.1`, `DNS:nas`) and the authority that signed it. */
export function signed(names: string): Promise<Certificate & { authority: string }> {
  return inDirectory(async (directory) => {
    const file = (name: string): string => path.join(directory, name);
    const authority = ['-subj', '/CN=Our own authority', '-days', '30', '-keyout', file('ca-key'), '-out', file('ca')];
    await run('openssl', ['req', '-x509', ...KEY, ...authority]);
    const leaf = ['-subj', '/CN=nas', '-addext', `subjectAltName=${names}`, '-days', '20'];
    const by = ['-CA', file('ca'), '-CAkey', file('ca-key'), '-keyout', file('key'), '-out', file('cert')];
    await run('openssl', ['req', '-x509', ...KEY, ...leaf, ...by]);
    const [key, cert, ca] = await Promise.all(['key', 'cert', 'ca'].map((name) => readFile(file(name), 'utf8')));
    return { key: key ?? '', cert: cert ?? '', authority: ca ?? '' };
  });
}
