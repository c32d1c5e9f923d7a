// The key of datasets that a run encrypts at the target (replication.md §6). A key that Node-RED stores reaches the target
// over standard input only: into a file of a private directory while a new encryption root is received (`keylocation=prompt`
// does not work for a receive), and to `zfs load-key` afterwards. What was put there is removed, what was loaded is
// unloaded, whatever comes.
import { randomBytes } from 'node:crypto';
import { invalidOption, ZfsFlowError } from '../../base/errors';
import type { Host, RunOptions } from '../../host/host';
import { KEY_FILES, WRITE_KEY_FILE } from '../../host/shell/key-file-scripts';
import { setProperties } from '../../zfs/change';
import { commandError } from '../../zfs/command';
import { listKeys, loadKey, unloadKey } from '../../zfs/keys';
import type { ReplicateOptions } from '../setup/options';
import type { DatasetPlan } from '../plan/plan-types';
import { markWarning } from '../report/mark-warning';
import type { Secret } from '../../base/secret';
import type { Run } from '../setup/run';
import { sends } from '../plan/plan-facts';
import { ownerOf, ownTag, processTag } from './process-tag';

/** Time for putting things right after a run that may have been cancelled, milliseconds for each command. */
const CLEAN_UP_MS = 15_000;

/** Throws INVALID_OPTIONS (`encryptionKey`) when these options need a key from us and it is not one that ZFS takes. */
export function checkEncryptionKey(options: ReplicateOptions, key: Secret | null): void {
  if (options.encryption !== 'key' || options.encryptionKeyLocation !== 'stored') return;
  const text = key?.reveal() ?? '';
  const field = 'encryptionKey';
  if (text === '') throw invalidOption(field, 'encryptionKey is empty: enter the key, or name a file on the target');
  if (options.encryptionKeyFormat === 'hex') {
    if (!/^[0-9a-f]{64}$/i.test(text)) throw invalidOption(field, 'encryptionKey must be 64 hexadecimal digits');
  } else if (/[\n\0]/.test(text) || Buffer.byteLength(text) < 8 || Buffer.byteLength(text) > 512) {
    throw invalidOption(field, 'encryptionKey must be a passphrase of 8 to 512 bytes in one line');
  }
}

async function writeKeyFile(host: Host, key: Secret, dstId: string, signal: AbortSignal): Promise<string> {
  const argv = ['/bin/sh', '-c', WRITE_KEY_FILE, 'sh', ownTag(dstId), randomBytes(16).toString('hex')];
  const result = await host.run(argv, { stdin: `${key.reveal()}\n`, signal });
  const directory = result.stdout.trim();
  if (result.code === 0 && /^\/[^\n]*\/zfsflow-key\.[^\n]+$/.test(directory)) return directory;
  throw new ZfsFlowError('ZFS_ERROR', `the key could not be put into a private directory on ${host.label}`, {
    host: host.label,
    exitCode: result.code,
    stderr: result.stderr,
    retryable: false,
  });
}

export class TargetKeys {
  private directory = '';
  /** Encryption roots whose keys this run, or one before it that was killed, loaded. */
  private readonly loaded = new Set<string>();
  private readonly sending: readonly DatasetPlan[];

  private constructor(
    private readonly run: Run,
    private readonly plans: readonly DatasetPlan[],
    private readonly dstId: string,
  ) {
    this.sending = plans.filter(sends);
  }

  /**
   * Makes ready what these plans need: keys loaded, a key file where a new root will be received. Call `close` in any
   * case. Throws KEY_NOT_LOADED when a key does not fit.
   */
  static async open(run: Run, plans: readonly DatasetPlan[], dstId: string): Promise<TargetKeys> {
    const keys = new TargetKeys(run, plans, dstId);
    try {
      await keys.prepare();
    } catch (error) {
      await keys.close();
      throw error;
    }
    return keys;
  }

  private get isStored(): boolean {
    return this.run.options.encryptionKeyLocation === 'stored';
  }

  private async prepare(): Promise<void> {
    const { target, ctx } = this.run;
    for (const root of new Set(this.sending.map(({ loadKey }) => loadKey))) if (root !== '') await this.load(root);
    const makesRoot = this.sending.some(({ encryption }) => encryption === 'key');
    if (!makesRoot || !this.isStored) return;
    // Whoever may write there could keep us from it; what could not be removed, `close` tells.
    await removeKeyFiles(target, this.dstId, ctx.signal).catch(() => undefined);
    this.directory = await writeKeyFile(target, this.storedKey(), this.dstId, ctx.signal);
  }

  private storedKey(): Secret {
    const { options, encryptionKey } = this.run;
    checkEncryptionKey(options, encryptionKey);
    if (encryptionKey === null) throw new TypeError('a stored key was checked and is not there');
    return encryptionKey;
  }

  private async load(root: string): Promise<void> {
    const { target, options } = this.run;
    const location = this.isStored ? 'prompt' : `file://${options.encryptionKeyLocation}`;
    const stdin = this.isStored ? { stdin: `${this.storedKey().reveal()}\n` } : {};
    if (await loadKey(target, root, location, { signal: this.run.ctx.signal, ...stdin })) this.loaded.add(root);
  }

  /** `-o` of the receive that makes a new encryption root. */
  get newRoot(): Readonly<Record<string, string>> {
    const { encryptionKeyFormat, encryptionKeyLocation } = this.run.options;
    const file = this.isStored ? `${this.directory}/key` : encryptionKeyLocation;
    return { encryption: 'on', keyformat: encryptionKeyFormat, keylocation: `file://${file}` };
  }

  /**
   * Removes the key file, gives new roots the location that their key really has, and unloads what this run loaded –
   * all of it in spite of cancellation. Also for a run that was killed, whose transfer may have come to its end without it.
   * Returns warnings.
   */
  async close(): Promise<string[]> {
    const { target, options } = this.run;
    const warnings: (string | null)[] = [];
    const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        warnings.push(markWarning(what, target.label, [error as ZfsFlowError]));
      }
    };
    const made = this.sending.length > 0;
    if (options.encryption !== 'key' || !(made || this.isStored)) return [];
    const removeFiles = (): Promise<void> => attempt('remove the key file', () => removeKeyFiles(target, this.dstId));
    if (made && this.isStored) await removeFiles();
    let left = false;
    await attempt('set keylocation', async () => void (left = await this.settleRoots()));
    if (left && !made) await removeFiles();
    // Mounted file systems need their key.
    if (!options.mount) {
      const unload = (root: string): Promise<void> => unloadKey(target, root, { timeoutMs: CLEAN_UP_MS });
      for (const root of this.loaded) await attempt('unload the key', () => unload(root));
    }
    return warnings.filter((warning) => warning !== null);
  }

  /**
   * A root received just now, or by a run that was killed, still names a key file that is gone, and has its key loaded.
   * True where it was of another run.
   */
  private async settleRoots(): Promise<boolean> {
    const { target, options } = this.run;
    const roots = new Map(this.plans.filter(({ isRoot, raw }) => isRoot && !raw).map((plan) => [plan.target, plan]));
    if (roots.size === 0) return false;
    const wanted = this.isStored ? 'prompt' : `file://${options.encryptionKeyLocation}`;
    let ofAnother = false;
    // A dataset that was never begun is missing, which says nothing here.
    const keys = await listKeys(target, [...roots.keys()], { timeoutMs: CLEAN_UP_MS });
    for (const { name, encryptionRoot, location, status } of keys) {
      const plan = roots.get(name);
      if (!plan || encryptionRoot !== name) continue;
      if (location !== wanted && (sends(plan) || isOurFile(location))) {
        await setProperties(target, name, { keylocation: wanted }, { timeoutMs: CLEAN_UP_MS });
      }
      const wasCut = isOurFile(location) || (plan.resume !== null && plan.initial);
      ofAnother ||= wasCut;
      const isNew = plan.encryption === 'key' || wasCut;
      if (isNew && this.isStored && status === 'available') this.loaded.add(name);
    }
    return ofAnother;
  }
}

/** Of a run that did not come to its end: nobody else names such a file, and no other key is in it. */
const isOurFile = (location: string): boolean => location.includes('/zfsflow-key.');

/** Ours and those of a run that was killed; not those of another Node-RED of this machine, which may need its key still. */
async function removeKeyFiles(host: Host, dstId: string, signal?: AbortSignal): Promise<void> {
  const options = { timeoutMs: CLEAN_UP_MS, ...(signal ? { signal } : {}) };
  const found = await succeed(host, ['/bin/sh', '-c', KEY_FILES, 'sh', processTag(dstId)], options);
  const left = found
    .split('\n')
    .filter((path) => ownerOf(/^\/.*\/zfsflow-key\.([^/]+)$/.exec(path)?.[1] ?? '', dstId) === 'left');
  if (left.length > 0) await succeed(host, ['rm', '-rf', '--', ...left], options);
}

async function succeed(host: Host, argv: string[], options: RunOptions): Promise<string> {
  const result = await host.run(argv, options);
  if (result.code !== 0) throw commandError(host, argv, result);
  return result.stdout;
}
