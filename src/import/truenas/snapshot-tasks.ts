// Periodic snapshot tasks as `zfs-snapshot` nodes (truenas-api.md 4.4). What several of them share is shared-schema.ts and
// same-minute.ts.
import { importedId, type TaskDraft } from '../assemble';
import type { Findings } from '../result';
import { lifetimeOf, lifetimeText, shortest, type Lifetime } from './lifetimes';
import { originalOf } from './original';
import { flagOf, idOf, textOf, textsOf, Unusable, type Row } from './records';
import { meetings, type Meeting } from './same-minute';
import { scheduleOf, type Schedule } from './schedules';
import { groups, policyOf, type Owner } from './shared-schema';

interface SnapshotTask extends Owner {
  id: string;
  item: string;
  enabled: boolean;
  allowEmpty: boolean;
  row: Row;
  /** The task that takes its snapshots, when that is another. */
  by?: SnapshotTask;
}

export interface TaskContext {
  hash: string;
  /** Connection to the imported machine, '' = this one. */
  here: string;
  timeZone: string;
  findings: Findings;
}

const DEFAULT_LIFETIME: Lifetime = { value: 2, unit: 'week' };

export class SnapshotTasks {
  readonly drafts: TaskDraft[] = [];
  private readonly tasks = new Map<string, SnapshotTask>();
  private readonly draftOf = new Map<SnapshotTask, TaskDraft>();

  constructor(
    rows: readonly Row[],
    private readonly context: TaskContext,
  ) {
    for (const row of rows) this.read(row);
    for (const group of groups([...this.tasks.values()])) this.makeGroup(group);
    this.drafts.sort((a, b) => Number(a.item.slice(5)) - Number(b.item.slice(5)));
  }

  /** The naming schema of a task, '' for one that is not there. */
  schemaOf(id: string): string {
    return this.tasks.get(id)?.schema ?? '';
  }

  /** The node that takes the snapshots of a task, and whether it takes others too. */
  nodeOf(id: string): { draft: TaskDraft; isOther: boolean } | undefined {
    const task = this.tasks.get(id);
    const draft = task && this.draftOf.get(task.by ?? task);
    return draft && { draft, isOther: task?.by !== undefined };
  }

  private read(row: Row): void {
    const { findings } = this.context;
    const id = idOf(row['id']);
    if (id === null || this.tasks.has(id)) {
      findings.error('import', 'a periodic snapshot task has no id of its own, and is left out');
      return;
    }
    const item = `snap-${id}`;
    try {
      this.tasks.set(id, {
        id,
        item,
        row,
        dataset: textOf(row, 'dataset'),
        recursive: flagOf(row, 'recursive'),
        exclude: textsOf(row, 'exclude'),
        schema: textOf(row, 'naming_schema', 'auto-%Y-%m-%d_%H-%M'),
        lifetime: lifetimeOf(row) ?? DEFAULT_LIFETIME,
        schedule: scheduleOf(row, 'schedule'),
        enabled: flagOf(row, 'enabled', true),
        allowEmpty: flagOf(row, 'allow_empty', true),
      });
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      findings.error(item, `is left out: ${error.message}`);
    }
  }

  private makeGroup(group: readonly SnapshotTask[]): void {
    const originals = new Map(group.map((task) => [task, task.schedule]));
    const met = meetings(group);
    const more = new Map<Owner, Schedule[]>();
    for (const one of met) this.tell(one, more);
    const policy = policyOf(group, more);
    for (const task of group) {
      if (task.by !== undefined) continue;
      const taken = group.filter(({ by }) => by === task);
      this.make(task, { ...policy }, taken);
      if (group.length > 1) this.tellShared(task, group);
      if (originals.get(task)?.cron === '') this.context.findings.warn(task.item, 'has no schedule: nothing starts it');
    }
  }

  private tell(one: Meeting<SnapshotTask>, more: Map<Owner, Schedule[]>): void {
    const { findings } = this.context;
    const { item } = one.task;
    if (one.kind === 'merged') {
      one.task.by = one.into;
      const message = `is due only when ${one.into.item} is, with the same names: that node takes its snapshots, and they are kept as long as this task wants`;
      findings.info(item, message);
      findings.info(one.into.item, `also takes the snapshots of ${item}, which are due in the same minutes`);
    } else if (one.kind === 'moved') {
      more.set(one.task, [one.from]);
      const { cron } = one.task.schedule;
      findings.warn(
        item,
        `would take a snapshot of the same name in the same minute as ${one.because.item}: its schedule is ${cron} now instead of ${one.from.cron}`,
      );
    } else {
      const hint = 'the second to run ends with SNAPSHOT_EXISTS. Change one of the schedules or schemas';
      findings.warn(item, `takes a snapshot of the same name in the same minute as ${one.because.item}: ${hint}`);
    }
  }

  private tellShared(task: SnapshotTask, group: readonly SnapshotTask[]): void {
    const others = group.filter((one) => one !== task).map(({ item }) => item);
    const shown = others.length > 5 ? `${others.slice(0, 5).join(', ')} …` : others.join(', ');
    const least = shortest(group.map(({ lifetime }) => lifetime)) ?? DEFAULT_LIFETIME;
    this.context.findings.warn(
      task.item,
      `shares its naming schema with ${shown}: all keep what is of a schedule of one of them as long as that one does. ` +
        `A name of the schema that is of none of the schedules is kept for ever by TrueNAS, here for ${lifetimeText(least)}`,
    );
  }

  private make(task: SnapshotTask, retention: object, taken: readonly SnapshotTask[]): void {
    const { hash, here, timeZone, findings } = this.context;
    const { item, row, schedule } = task;
    const draft: TaskDraft = {
      item,
      id: importedId(hash, 'snap', task.id),
      type: 'zfs-snapshot',
      values: {
        name: task.dataset,
        connection: here,
        datasets: [task.dataset],
        recursive: task.recursive,
        exclude: task.exclude,
        namingSchema: task.schema,
        timeZone,
        allowEmpty: task.allowEmpty,
        retention,
        schedule: schedule.cron,
        scheduleTimeZone: timeZone,
        scheduleBegin: schedule.begin,
        scheduleEnd: schedule.end,
      },
      starts: [],
      enabled: task.enabled,
      broken: false,
      button: false,
      original: [task, ...taken].map((one) => originalOf(one.row)).join('\n\n'),
    };
    this.drafts.push(draft);
    this.draftOf.set(task, draft);
    findings.info(item, `becomes a zfs-snapshot node for ${task.dataset}`);
    if (flagOf(row, 'vmware_sync')) {
      findings.warn(item, 'quiesced virtual machines of VMware, which is not imported: use the hooks of the node');
    }
  }
}
