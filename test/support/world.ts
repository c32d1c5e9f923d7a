// A model of one source dataset and its target in memory: what people do to them, and what a run does when its plan is
// carried out. It refuses what ZFS would refuse, and checks each plan against an exhaustive search for the fewest sends.
import assert from 'node:assert/strict';
import { finalMarks } from '../../src/replication/plan/final-marks';
import { isOwnReceive } from '../../src/replication/plan/journal';
import { planReplication } from '../../src/replication/plan/plan';
import type { DatasetPlan, PairInput, PrepareStep } from '../../src/replication/plan/plan-types';
import { sentSnapshots } from '../../src/replication/plan/plan-facts';
import { bookmarkName, bookmarksFor, destinationId } from '../../src/zfs/marks';
import type { SnapshotRecord } from '../../src/zfs/records';
import { dataset, OPTIONS } from './model';

const SOURCE = 'tank/s';
const TARGET = 'bk/t';
const DST_ID = destinationId('12345678901234567890', TARGET);

export type Mode = 'refuse' | 'rollback' | 'rotate';
type Named = { name: string; guid: string };

/** Deliveries that a run comes to before it is cut; it is not cut when that is more than it has. */
interface Run {
  mode: Mode;
  cut: number;
}

export class World {
  /** Snapshots and bookmarks; a bookmark follows its snapshot. */
  source: SnapshotRecord[] = [];
  target: SnapshotRecord[] = [];
  targetExists = false;
  written = 0;
  token: { to: Named; from: string } | null = null;
  /** On the source: held for a step; on the target: our hold. */
  readonly held = new Set<string>();
  /** What old copies hold that were set aside. */
  readonly aside = new Map<string, string>();
  /** GUIDs that somebody destroyed on the target, or a rollback announced. */
  readonly gone = new Set<string>();
  readonly theirs = new Set<string>();
  private counter = 0;
  private copies = 0;

  private record(dataset: string, kind: SnapshotRecord['kind'], name: string, guid?: string): SnapshotRecord {
    this.counter++;
    // Above 2^63, and neighbours that a number could not tell apart.
    return { dataset, kind, name, guid: guid ?? String((1n << 63n) + BigInt(this.counter)), createtxg: String(this.counter) }; // prettier-ignore
  }

  // ---- what people do ----------------------------------------------------------------------------------------------

  snapshot(wanted: boolean): void {
    this.source.push(this.record(SOURCE, 'snapshot', `${wanted ? 'd' : 'h'}${this.counter}`));
  }

  destroy(pick: number): void {
    const all = this.source.filter(({ kind, guid }) => kind === 'snapshot' && !this.held.has(guid));
    const one = all[pick % Math.max(1, all.length)];
    this.source = this.source.filter((record) => record !== one);
  }

  rename(pick: number): void {
    const all = this.source.filter(({ kind }) => kind === 'snapshot');
    const one = all[pick % Math.max(1, all.length)];
    if (one && all.every(({ name }) => name !== `${one.name}r`)) Object.assign(one, { name: `${one.name}r` });
  }

  /** A name that something else on the source has had. */
  renameTo(pick: number): void {
    const all = this.source.filter(({ kind }) => kind === 'snapshot');
    const names = new Set(all.map(({ name }) => name));
    const old = this.target.map(({ name }) => name).filter((name) => !names.has(name));
    const [one, name] = [all[pick % Math.max(1, all.length)], old[pick % Math.max(1, old.length)]];
    if (one && name !== undefined && name.startsWith('d') === one.name.startsWith('d')) Object.assign(one, { name });
  }

  /** Any bookmark but that of the newest that both sides had: that one is needed, and its loss nobody's fault but theirs. */
  unmark(pick: number): void {
    const newest = this.newestOurs();
    const all = this.source.filter(({ kind, guid }) => kind === 'bookmark' && guid !== newest);
    const one = all[pick % Math.max(1, all.length)];
    this.source = this.source.filter((record) => record !== one);
  }

  /** Any hold but that on the newest that both sides have: as with its bookmark. */
  release(): void {
    const newest = this.newestOurs();
    for (const guid of this.held) if (guid !== newest) this.held.delete(guid);
  }

  takeTheirs(): void {
    if (!this.targetExists || this.target.length === 0) return;
    const one = this.record(TARGET, 'snapshot', `t${this.counter}`);
    this.target.push(one);
    this.theirs.add(one.guid);
    this.written = 0;
  }

  removeTheirs(): void {
    this.target = this.target.filter(({ guid }) => !this.theirs.has(guid));
    for (const guid of this.theirs) this.gone.add(guid);
    this.theirs.clear();
  }

  write(): void {
    if (this.target.length > 0) this.written += 4096;
  }

  destroyCopy(pick: number): void {
    const all = this.target.slice(0, -1).filter(({ guid }) => guid !== this.token?.from && guid !== this.newestOurs());
    const one = all[pick % Math.max(1, all.length)];
    if (!one) return;
    this.target = this.target.filter((record) => record !== one);
    this.gone.add(one.guid);
  }

  renameCopy(pick: number): void {
    const one = this.target[pick % Math.max(1, this.target.length)];
    if (one && this.target.every(({ name }) => name !== `${one.name}c`)) Object.assign(one, { name: `${one.name}c` });
  }

  newestOurs(): string | undefined {
    return this.target.findLast(({ guid }) => !this.theirs.has(guid))?.guid;
  }

  // ---- a run -------------------------------------------------------------------------------------------------------

  pair(): PairInput {
    const order = (a: SnapshotRecord, b: SnapshotRecord): number => Number(a.createtxg) - Number(b.createtxg);
    const token = this.token;
    const at = token && this.source.find(({ kind, guid }) => kind === 'snapshot' && guid === token.to.guid);
    const usable = token !== null && at?.name === token.to.name && this.known().has(token.from === '' ? at.guid : token.from); // prettier-ignore
    const own = token !== null && isOwnReceive(DST_ID, this.source, { toGuid: token.to.guid, fromGuid: token.from });
    return {
      source: dataset(SOURCE),
      sourceRecords: this.source.toSorted(order),
      dstId: DST_ID,
      target: TARGET,
      targetDataset: this.targetExists
        ? dataset(TARGET, { written: this.written, receiveResumeToken: token ? '1-abc' : '' })
        : null,
      targetSnapshots: this.target.toSorted(order),
      inside: null,
      wanted: new Set(this.wanted().map(({ guid }) => guid)),
      partial: token && {
        isOwn: own,
        token: {
          toName: `${SOURCE}@${token.to.name}`,
          toGuid: token.to.guid,
          fromGuid: token.from,
          bytes: 1000,
          raw: false,
          largeBlocks: true,
          compressedBlocks: true,
          embeddedBlocks: false,
          usable,
          problem: usable ? '' : 'gone',
        },
      },
      sameIvset: null,
    };
  }

  wanted(): SnapshotRecord[] {
    return this.source.filter(({ kind, name }) => kind === 'snapshot' && name.startsWith('d'));
  }

  known(): Set<string> {
    return new Set(this.source.map(({ guid }) => guid));
  }

  /** GUIDs that exist anywhere on the target's side. */
  there(): Set<string> {
    return new Set([...this.target.map(({ guid }) => guid), ...this.aside.keys()]);
  }

  plan(mode: Mode): DatasetPlan {
    const existing = new Set(['bk', ...(this.targetExists ? [TARGET] : []), ...this.aside.values()]);
    const plan = planReplication({
      pairs: [this.pair()],
      ancestors: [dataset('bk')],
      existing,
      options: { ...OPTIONS, whenDiverged: mode },
    });
    const [first] = plan.datasets;
    assert.ok(first && plan.datasets.length === 1);
    return first;
  }

  /** Does what is planned; the plan, for more questions. */
  run({ mode, cut }: Run): DatasetPlan {
    const plan = this.plan(mode);
    if (plan.refusal) {
      assert.deepEqual([plan.steps, plan.prepare, plan.resume], [[], [], null]);
      return plan;
    }
    assert.equal(plan.steps.length, this.fewest(plan), 'the fewest sends');
    const records = this.pair().sourceRecords;
    const made = plan.steps.length > 0 || plan.resume ? this.protect(plan) : [];
    for (const step of plan.prepare) this.prepare(step, mode);
    const deliveries = this.deliveries(plan);
    for (const [index, { from, to }] of deliveries.entries()) {
      if (index === cut) {
        this.targetExists = true;
        this.token = { to: { name: to.name, guid: to.guid }, from };
        return plan;
      }
      this.receive(from, to);
    }
    this.finish(plan, records, made);
    return plan;
  }

  /** In the order in which they arrive, each with the GUID of its base. */
  private deliveries(plan: DatasetPlan): { from: string; to: Named }[] {
    const all: { from: string; to: Named }[] = [];
    if (plan.resume) {
      assert.ok(this.token && this.known().has(plan.resume.to.guid), 'only what the source still has is resumed');
      all.push({ from: this.token.from, to: plan.resume.to });
    }
    for (const step of plan.steps) {
      let from = step.from?.guid ?? '';
      if (step.intermediates) assert.equal(step.from?.kind, 'snapshot', '-I begins at a snapshot');
      for (const to of step.snapshots) {
        all.push({ from, to });
        from = to.guid;
      }
    }
    return all;
  }

  /** What protect.ts does; the names of the bookmarks that it makes. */
  private protect(plan: DatasetPlan): string[] {
    const all = [...(plan.base?.kind === 'bookmark' ? [plan.base] : []), ...sentSnapshots(plan)];
    const own = bookmarksFor(DST_ID, this.source);
    return all.flatMap(({ guid }, index) => {
      const isLast = index === all.length - 1;
      const isMarked = own.some((mark) => mark.guid === guid && (mark.tentative || !isLast));
      // Some cannot be held.
      const isHeld = BigInt(guid) % 5n > 0n;
      if (isHeld) this.held.add(guid);
      if (isMarked || (index > 0 && !isLast && isHeld)) return [];
      const name = bookmarkName(DST_ID, guid, true);
      this.bookmark(guid, name);
      return [name];
    });
  }

  private bookmark(guid: string, name: string): void {
    const of = this.source.find((record) => record.guid === guid);
    assert.ok(of, `bookmark of ${guid}, which is not there`);
    if (!this.source.some((record) => record.name === name)) this.source.push({ ...of, kind: 'bookmark', name });
  }

  private prepare(step: PrepareStep, mode: Mode): void {
    switch (step.do) {
      case 'abortReceive':
        assert.ok(this.token, 'there is something to abort');
        this.token = null;
        this.targetExists = this.target.length > 0;
        return;
      case 'rollback': {
        assert.equal(mode, 'rollback');
        const at = this.target.findIndex(({ name }) => name === step.to);
        const based = this.token?.from ?? this.target[at]?.guid;
        assert.equal(based, this.target[at]?.guid, 'ZFS refuses to roll back over the base of a partial receive');
        const goes = this.target.splice(at + 1);
        assert.deepEqual(goes.map(({ name }) => name), step.destroys, 'what goes was announced'); // prettier-ignore
        assert.equal(this.written, step.writtenBytes);
        for (const { guid } of goes) this.gone.add(guid);
        this.written = 0;
        return;
      }
      case 'setAside':
        assert.equal(mode, 'rotate');
        assert.ok(![...this.aside.values()].includes(step.to), 'the name is free');
        for (const { guid } of this.target) this.aside.set(guid, step.to);
        this.copies++;
        this.targetExists = false;
        return;
      case 'cloneBack': {
        const at = this.target.findIndex(({ name }) => name === step.snapshot);
        const left = this.target.splice(at + 1);
        assert.deepEqual(left.map(({ name }) => name), step.leaves); // prettier-ignore
        for (const { guid } of this.target) this.aside.delete(guid);
        for (const { guid } of left) this.theirs.delete(guid);
        this.targetExists = true;
        this.written = 0;
        this.token = null;
        return;
      }
      case 'promote':
      case 'rename':
        assert.fail(`unexpected: ${step.do}`);
        break;
      default:
        step satisfies never;
    }
  }

  /** What `zfs receive` without -F accepts. */
  private receive(from: string, to: Named): void {
    const newest = this.target.at(-1)?.guid ?? '';
    assert.equal(from, newest, 'an incremental goes onto the newest snapshot');
    assert.equal(this.written, 0, 'onto an unmodified dataset');
    assert.ok(this.token === null || this.token.to.guid === to.guid, 'beside no other partial receive');
    const twin = this.target.find(({ name }) => name === to.name);
    assert.equal(twin, undefined, `@${to.name} is taken`);
    assert.ok(this.source.some(({ kind, guid, name }) => kind === 'snapshot' && guid === to.guid && name === to.name));
    assert.ok(from === '' || this.known().has(from), 'the source still has the base');
    this.token = null;
    this.targetExists = true;
    this.target.push(this.record(TARGET, 'snapshot', to.name, to.guid));
  }

  private finish(plan: DatasetPlan, records: readonly SnapshotRecord[], made: readonly string[]): void {
    const { create, destroy } = finalMarks({
      source: SOURCE,
      dstId: DST_ID,
      records,
      sent: new Set(sentSnapshots(plan).map(({ guid }) => guid)),
      made,
      targetGuids: new Set(this.target.map(({ guid }) => guid)),
      newest: plan.steps.at(-1)?.to.guid ?? plan.resume?.to.guid ?? plan.base?.guid ?? '',
    });
    for (const { from, bookmark } of create) {
      const name = from.slice(SOURCE.length + 1);
      const of = this.source.find((record) => record.name === name);
      assert.ok(of, `${from} is there to be bookmarked`);
      this.bookmark(of.guid, bookmark.slice(SOURCE.length + 1));
    }
    const names = new Set(destroy.map((full) => full.slice(SOURCE.length + 1)));
    this.source = this.source.filter(({ kind, name }) => kind === 'snapshot' || !names.has(name));
    this.held.clear();
  }

  /** The fewest sends that deliver what is wanted after where the plan begins, by trying all. */
  private fewest(plan: DatasetPlan): number {
    const start = plan.resume?.to.guid ?? plan.base?.guid;
    const begin = start === undefined ? undefined : this.source.find(({ guid }) => guid === start);
    const later = this.source
      .filter(({ kind, createtxg }) => kind === 'snapshot' && (!begin || Number(createtxg) > Number(begin.createtxg)))
      .toSorted((a, b) => Number(a.createtxg) - Number(b.createtxg))
      .map(({ name }) => name.startsWith('d'));
    const single = plan.resume !== null || plan.base?.kind !== 'snapshot';
    const last = later.lastIndexOf(true);
    const known = new Map<number, number>();
    const best = (position: number, first: boolean): number => {
      if (position === last || last < 0) return 0;
      const found = first ? undefined : known.get(position);
      if (found !== undefined) return found;
      let count = 1 + best(later.indexOf(true, position + 1), false);
      const longest = first && single ? position : last;
      for (let end = position + 1; end <= longest && later[end]; end++) {
        count = Math.min(count, 1 + best(end, false));
      }
      if (!first) known.set(position, count);
      return count;
    };
    return best(-1, true);
  }
}
