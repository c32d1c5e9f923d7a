// What the import dialog asks (face.md §7): reads what another tool was told to do, from where the request says, answers the flow
// that does the same, and keeps the keys on the server until their nodes are deployed. No secret is in an answer or an error.
import { invalidOption, toZfsFlowError, ZfsFlowError } from '../../src/base/errors';
import type { Finding, Imported, SelfConnection } from '../../src/import/result';
import { readBoolean, readList, readNumber, readObject, readString, type RawOptions } from '../../src/options/read';
import { engine } from '../runtime/engine';
import type { Red } from '../runtime/red';
import { deployedConnections, importTools } from './import-tools';
import { credentialsOf } from './set-up-truenas';
import { eachNode, holdsAlready, stageKey } from './staged-keys';
import { LARGEST_FILE, takePiece, uploaded } from './uploads';

type Answer = Record<string, unknown>;

/**
 * `{upload, part, of, data}` takes a piece of a file. Else one of `json`, `text`, `file` (base64), `upload`, `live`; with `here`
 * (connection id, '' = this machine, or an object with the properties of a connection to be made) and `enable`.
 * Answers `{ok: true, version, nodes, items, secrets, findings}`. Throws INVALID_OPTIONS, and what a TrueNAS refuses.
 */
export async function truenasImport(RED: Red, body: RawOptions): Promise<Answer> {
  if (body['part'] !== undefined) return takePiece(body);
  const choices = { here: hereOf(body), enable: new Set(readList(body, 'enable')), deployed: deployedConnections(RED) };
  const source = await sourceOf(body);
  const imported = withoutSurprise(() => engine.imports().importFrom(source, choices, importTools()));
  const findings = [...imported.findings];
  tellNames(RED, imported, findings);
  const secrets = stageAll(RED, imported, findings);
  const { version, nodes, items } = imported;
  return { ok: true, version, nodes, items, secrets, findings };
}

const SOURCES = ['json', 'text', 'file', 'upload', 'live'] as const;

type Source = Parameters<ReturnType<typeof engine.imports>['importFrom']>[0];

async function sourceOf(body: RawOptions): Promise<Source> {
  const given = SOURCES.filter((name) => (body[name] ?? '') !== '');
  const [name, ...more] = given;
  if (name === undefined || more.length > 0) {
    throw invalidOption(
      more[0] ?? 'json',
      `what to import is missing, or given twice: it is one of ${SOURCES.join(', ')}`,
    );
  }
  switch (name) {
    case 'json':
    case 'text':
      return { kind: 'document', document: body[name], field: name };
    case 'file':
      return { kind: 'file', file: decoded(body) };
    case 'upload':
      return { kind: 'file', file: uploaded(body) };
    case 'live':
      break;
  }
  return asked(readObject(body, 'live'));
}

function decoded(body: RawOptions): Buffer {
  const { file } = body;
  if (typeof file !== 'string' || !/^[A-Za-z0-9+/_=\s-]*$/.test(file))
    throw invalidOption('file', 'file must be base64');
  const bytes = Buffer.from(file, 'base64');
  if (bytes.length > LARGEST_FILE) throw invalidOption('file', 'the file is larger than 64 MiB');
  return bytes;
}

function hereOf(body: RawOptions): string | SelfConnection {
  const here = body['here'] ?? '';
  if (typeof here === 'string') return here;
  const self = readObject(body, 'here');
  return {
    host: readString(self, 'host').trim(),
    port: readNumber(self, 'port', 22),
    username: readString(self, 'username', 'root') || 'root',
    hostKeys: readString(self, 'hostKeys'),
    sudo: readString(self, 'sudo', 'none'),
  };
}

const TASKS = ['replication.query', 'pool.snapshottask.query'] as const;
const METHODS = [...TASKS, 'keychaincredential.query', 'system.general.config', 'system.info'];

/** Tasks have to be told; what else is refused is missing, and said so. */
async function asked(live: RawOptions): Promise<Source> {
  const { answers, refused, host } = await engine.trueNas().askTrueNas({
    url: readString(live, 'url').trim(),
    credentials: credentialsOf(live, readString(live, 'username').trim()),
    certificate: readString(live, 'certificate'),
    insecure: readBoolean(live, 'insecure', false),
    methods: METHODS,
  });
  for (const method of TASKS) if (refused[method] !== undefined) throw refused[method];
  const notes = Object.values(refused).map((error) => error.message);
  return { kind: 'answers', answers, host, notes };
}

/** An error that nobody foresaw may repeat a piece of what was read. */
function withoutSurprise<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ZfsFlowError) throw error;
    throw new ZfsFlowError('ZFS_ERROR', 'the import met something that it cannot cope with; please report it');
  }
}

/** A node for the same task, made by hand or imported from another tool, would run beside this one. */
function tellNames(RED: Red, { nodes }: Imported, findings: Finding[]): void {
  const ours = new Set(nodes.map(({ id }) => id));
  const there = new Set<string>();
  eachNode(RED, ({ id, type, name }) => {
    if (!ours.has(id)) there.add(JSON.stringify([type, name]));
  });
  for (const { id, type, name } of nodes) {
    if (!type.startsWith('zfs-') || name === '' || !there.has(JSON.stringify([type, name]))) continue;
    const message = `there is another ${type} node named "${String(name)}" already: does it do the same?`;
    findings.push({ item: itemOf(id), level: 'warn', message });
  }
}

/** Ids of the nodes whose secrets wait for them, or are theirs already. */
function stageAll(RED: Red, { nodes, secrets }: Imported, findings: Finding[]): string[] {
  const staged: string[] = [];
  for (const node of nodes) {
    const found = secrets.get(node.id);
    if (found === undefined) continue;
    const account = node.type === 'zfs-ssh-connection' ? { account: node } : {};
    try {
      if (!holdsAlready(RED, node.id, found)) stageKey(RED, node.id, found, { replace: true, ...account });
      staged.push(node.id);
    } catch (thrown) {
      const { message } = toZfsFlowError(thrown);
      findings.push({ item: itemOf(node.id), level: 'error', message: `its key could not be kept: ${message}` });
    }
  }
  return staged;
}

const itemOf = (id: string): string => /^zfs-imp-(.+)-[0-9a-f]{8}$/.exec(id)?.[1] ?? 'import';
