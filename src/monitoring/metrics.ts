// What a Prometheus server reads (face.md §4), in the text format 0.0.4: its names, types and escapes. Pure: which tasks there
// are, and how they are, is given.

export interface MetricTask {
  labels: Readonly<Record<'id' | 'type' | 'name' | 'from' | 'to', string>>;
  state: string;
  late: boolean;
  /** Of the last run, and of the last success; ms since the epoch. */
  lastRun?: number;
  lastSuccess?: number;
  /** Of the last run, seconds. */
  duration?: number;
  /** Since the task was first seen. */
  bytes: number;
  runs: Readonly<Record<string, number>>;
  /** By error code. */
  failures: Readonly<Record<string, number>>;
}

export interface MetricWords {
  version: string;
  /** All that there are: a series that comes and goes cannot be watched. */
  states: readonly string[];
  results: readonly string[];
}

interface Metric {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  /** Further labels, and the value; undefined = there is none. */
  samples: (task: MetricTask) => [more: Readonly<Record<string, string>>, value: number | undefined][];
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

function metricsOf({ states, results }: MetricWords): Metric[] {
  return [
    {
      name: 'state',
      type: 'gauge',
      help: 'Whether the task is in this state: one of them is 1.',
      samples: (task) => states.map((state) => [{ state }, task.state === state ? 1 : 0]),
    },
    {
      name: 'last_run_timestamp_seconds',
      type: 'gauge',
      help: 'When the last run ended, however it ended.',
      samples: ({ lastRun }) => [[{}, seconds(lastRun)]],
    },
    {
      name: 'last_success_timestamp_seconds',
      type: 'gauge',
      help: 'When the last run ended that did what the task is there for.',
      samples: ({ lastSuccess }) => [[{}, seconds(lastSuccess)]],
    },
    {
      name: 'late',
      type: 'gauge',
      help: 'Whether there was no success for longer than its schedule or alertAfter allows.',
      samples: ({ late }) => [[{}, late ? 1 : 0]],
    },
    {
      name: 'duration_seconds',
      type: 'gauge',
      help: 'How long the last run took.',
      samples: ({ duration }) => [[{}, duration]],
    },
    {
      name: 'transferred_bytes_total',
      type: 'counter',
      help: 'What its replications have sent.',
      samples: ({ bytes }) => [[{}, bytes]],
    },
    {
      name: 'runs_total',
      type: 'counter',
      help: 'Runs that have ended, by how they ended.',
      samples: ({ runs }) => results.map((result) => [{ result }, runs[result] ?? 0]),
    },
    {
      name: 'failures_total',
      type: 'counter',
      help: 'Runs that have failed, by error code.',
      samples: ({ failures }) => Object.entries(failures).map(([code, count]) => [{ code }, count]),
    },
  ];
}

export function metricsText(tasks: readonly MetricTask[], words: MetricWords): string {
  const build = family('zfsflow_build_info', 'gauge', 'The version of the ZFS nodes.');
  const lines = [...build, sample('zfsflow_build_info', { version: words.version }, 1)];
  for (const { name, type, help, samples } of metricsOf(words)) {
    const full = `zfsflow_task_${name}`;
    const values = tasks.flatMap((task) =>
      samples(task).flatMap(([more, value]) =>
        value === undefined ? [] : [sample(full, { ...task.labels, ...more }, value)],
      ),
    );
    if (values.length > 0) lines.push(...family(full, type, help), ...values);
  }
  return `${lines.join('\n')}\n`;
}

function family(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function sample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}{${pairs.join(',')}} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
