// The tasks as metrics (face.md §4); how they are written is src/monitoring/metrics.ts.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { RUN_STATES } from '../../src/jobs/run-summary';
import { metricsText, type MetricTask } from '../../src/monitoring/metrics';
import type { Red } from '../runtime/red';
import { memories } from '../runtime/task-memory';
import { TASK_STATES, type Task } from './task-answers';
import { listTasks } from './task-list';

let version: string | undefined;

/** Of this package, whose manifest is somewhere above this file. */
function packageVersion(): string {
  for (let folder = __dirname; ; folder = path.dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version?: string };
      return manifest.version ?? '';
    } catch {
      if (folder === path.dirname(folder)) return '';
    }
  }
}

export function metrics(RED: Red): string {
  version ??= packageVersion();
  const tasks = listTasks(RED).map((task) => measured(RED, task));
  return metricsText(tasks, { version, states: TASK_STATES, results: RUN_STATES });
}

function measured(RED: Red, { id, type, name, from = '', to = '', state, late, last, lastSuccess }: Task): MetricTask {
  const { bytes, runs, failures } = memories.find(RED, id)?.totals ?? { bytes: 0, runs: {}, failures: {} };
  const labels = { id, type, name, from, to };
  const common = { labels, state, late: late !== undefined, bytes, runs, failures };
  const success = lastSuccess === undefined ? {} : { lastSuccess: Date.parse(lastSuccess) };
  if (last === undefined) return { ...common, ...success };
  const [started, ended] = [Date.parse(last.startedAt), Date.parse(last.endedAt)];
  return { ...common, ...success, lastRun: ended, duration: Math.max(0, ended - started) / 1000 };
}
