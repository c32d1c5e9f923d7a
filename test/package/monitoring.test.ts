// Metrics, alert rules and dashboard, judged by Prometheus's own promtool: the text of a real Node-RED and of odd names, the rules
// of docs/monitoring, and that rules and dashboard ask for metrics that there are.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { metricsText, type MetricTask } from '../../src/monitoring/metrics';
import { makeUserDir, NODE_RED_4, NodeRed, ROOT } from './node-red';

const FOLDER = path.join(ROOT, 'docs', 'monitoring');
const ODD = 'a "quoted" \\ name\nin two lines, ü 💾';

/** What promtool says; empty when it has no complaint. */
async function promtool(argv: readonly string[], input = ''): Promise<string> {
  const child = spawn('promtool', argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => said.push(data));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const text = Buffer.concat(said).toString();
  return code === 0 && argv[1] !== 'metrics' ? '' : code === 0 ? text : `${text}exit code ${code}`;
}

const namesIn = (text: string): Set<string> => new Set([...text.matchAll(/\bzfsflow_\w+/g)].map(([name]) => name));

describe('metrics', function () {
  this.timeout(60_000);
  let text = '';

  before(async () => {
    const place = { z: 'tab', x: 1, y: 1, wires: [[], [], []] };
    const flows = [
      { id: 'tab', type: 'tab', label: 'test' },
      { ...place, id: 'r', type: 'zfs-replicate', name: ODD, sourceDatasets: ['tank/a'], targetDataset: 'tank/b' },
      { ...place, id: 's', type: 'zfs-snapshot', name: 's', datasets: ['tank/a', 'tank/b'], alertAfter: '1s' },
      { ...place, id: 'p', type: 'zfs-retention-prune', datasets: ['tank/a'], enabled: false },
    ];
    const nodeRed = await NodeRed.start(NODE_RED_4, await makeUserDir({ packageSource: ROOT, flows }));
    try {
      for (const [id, count] of [
        ['r', 2],
        ['s', 1],
      ] as const) {
        // prettier-ignore
        for (let run = 0; run < count; run++) await runs(nodeRed, id);
      }
      for (let turn = 0; turn < 100 && !/zfsflow_task_late\{id="s".* 1\n/.test(text); turn++) {
        await sleep(100);
        text = await nodeRed.text('zfs-flows/metrics');
      }
      const answer = await fetch(`${nodeRed.url}/zfs-flows/metrics`);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain;(?=.* version=0\.0\.4)(?=.* charset=utf-8)/);
    } finally {
      await nodeRed.stop();
    }
  });

  /** To its end: there is no ZFS on this machine, or no such pool. */
  async function runs(nodeRed: NodeRed, id: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ id });
    const last = async (): Promise<string | undefined> => {
      const { tasks } = (await nodeRed.get(`zfs-flows/tasks?ids=${id}`)) as { tasks: { last?: { jobId: string } }[] };
      return tasks[0]?.last?.jobId;
    };
    const answer = await fetch(`${nodeRed.url}/zfs-flows/tasks/run`, { method: 'POST', headers, body });
    const { ok, jobId } = (await answer.json()) as { ok: boolean; jobId: string };
    assert.ok(ok);
    for (let turn = 0; turn < 200 && (await last()) !== jobId; turn++) await sleep(50);
    assert.equal(await last(), jobId);
  }

  it('of a real Node-RED please promtool, and tell what has happened', async () => {
    assert.equal(await promtool(['check', 'metrics'], text), '');
    const version = (JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as { version: string })
      .version;
    assert.ok(text.includes(`zfsflow_build_info{version="${version}"} 1\n`), text);
    const labels = String.raw`id="r",type="zfs-replicate",name="a \"quoted\" \\ name\nin two lines, ü 💾",from="local:tank/a",to="local:tank/b"`;
    for (const line of [
      `zfsflow_task_state{${labels},state="failed"} 1`,
      `zfsflow_task_state{${labels},state="ok"} 0`,
      `zfsflow_task_runs_total{${labels},result="failed"} 2`,
      `zfsflow_task_runs_total{${labels},result="success"} 0`,
      `zfsflow_task_late{${labels}} 0`,
      `zfsflow_task_transferred_bytes_total{${labels}} 0`,
      'zfsflow_task_late{id="s",type="zfs-snapshot",name="s",from="local:tank/a …",to=""} 1',
      'zfsflow_task_state{id="p",type="zfs-retention-prune",name="",from="local:tank/a",to="",state="off"} 1',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), `${line} is not in\n${text}`);
    }
    assert.match(text, /zfsflow_task_failures_total\{id="r",.*code="[A-Z_]+"\} 2\n/);
    assert.match(text, /zfsflow_task_last_run_timestamp_seconds\{id="r",.*\} 1\d{9}(\.\d+)?\n/);
    assert.doesNotMatch(text, /last_success_timestamp_seconds\{/);
  });

  it('please promtool whatever tasks are called', async () => {
    const word = fc.string({ unit: 'binary', maxLength: 12 });
    const task = fc.record({
      labels: fc.record({ id: word, type: word, name: word, from: word, to: word }),
      state: fc.constantFrom('ok', 'failed'),
      late: fc.boolean(),
      lastRun: fc.integer({ min: 0, max: 4e12 }),
      lastSuccess: fc.integer({ min: 0, max: 4e12 }),
      duration: fc.double({ min: 0, max: 1e9, noNaN: true }),
      bytes: fc.nat(),
      runs: fc.constant({ failed: 3 }),
      failures: fc.dictionary(fc.constantFrom('BUSY', 'TIMEOUT'), fc.nat()),
    });
    const list = fc.uniqueArray(task, { maxLength: 8, selector: ({ labels }) => labels.id });
    const words = { version: '1', states: ['ok', 'failed'], results: ['success', 'failed'] };
    for (const tasks of fc.sample(list, { numRuns: 20, seed: 11 })) {
      const given: MetricTask[] = tasks;
      assert.equal(await promtool(['check', 'metrics'], metricsText(given, words)), '');
    }
  });

  it('are what alert rules and dashboard ask for, in expressions that Prometheus understands', async () => {
    const [rules, dashboard] = await Promise.all(
      ['alerts.yml', 'grafana.json'].map((file) => readFile(path.join(FOLDER, file), 'utf8')),
    );
    assert.ok(rules && dashboard);
    const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets: { expr: string }[] }[] };
    const known = namesIn(`${text}\nzfsflow_task_last_success_timestamp_seconds`);
    for (const [where, asked] of [
      ['alerts.yml', rules],
      ['grafana.json', dashboard],
    ] as const) {
      // prettier-ignore
      assert.ok(namesIn(asked).size > 0, where);
      assert.deepEqual([...namesIn(asked)].filter((name) => !known.has(name)), [], where); // prettier-ignore
    }
    assert.equal(await promtool(['check', 'rules', path.join(FOLDER, 'alerts.yml')]), '');
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$type', '.*')));
    assert.ok(expressions.length >= 10);
    const records = expressions.map((expr, index) => ({ record: `panel_${index}`, expr }));
    // YAML takes JSON.
    const asRules = JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] });
    await inFile('dashboard.yml', asRules, async (file) => assert.equal(await promtool(['check', 'rules', file]), ''));
  });

  it('alert in time, and not before', async () => {
    const task = { id: 'r', type: 'zfs-replicate', name: 'nightly', from: 'local:tank', to: 'nas:backup' };
    const labels = Object.entries(task).map(([name, value]) => `${name}="${value}"`).join(','); // prettier-ignore
    const alert = (name: string, more: object): object => ({ exp_labels: { severity: 'warning', ...task, ...more }, alertname: name }); // prettier-ignore
    const expect = (eval_time: string, alertname: string, exp_alerts: { exp_labels: object }[]): object => ({
      eval_time,
      alertname,
      exp_alerts: exp_alerts.map(({ exp_labels }) => ({ exp_labels, exp_annotations: EXPECTED[alertname] })),
    });
    const late = alert('ZfsTaskLate', {}) as { exp_labels: object };
    const failed = alert('ZfsTaskFailed', { state: 'failed' }) as { exp_labels: object };
    const tests = [
      {
        interval: '1m',
        input_series: [
          { series: `zfsflow_task_late{${labels}}`, values: '0x9 1x20 0x30' },
          { series: `zfsflow_task_state{${labels},state="failed"}`, values: '0x9 1x40' },
          { series: 'zfsflow_build_info{version="1"}', values: '1x60' },
        ],
        alert_rule_test: [
          expect('12m', 'ZfsTaskLate', []),
          expect('16m', 'ZfsTaskLate', [late]),
          expect('40m', 'ZfsTaskLate', []),
          expect('20m', 'ZfsTaskFailed', []),
          expect('27m', 'ZfsTaskFailed', [failed]),
          expect('60m', 'ZfsTasksGone', []),
        ],
      },
    ];
    const rules = JSON.stringify({ rule_files: [path.join(FOLDER, 'alerts.yml')], evaluation_interval: '1m', tests });
    await inFile('tests.yml', rules, async (file) => assert.equal(await promtool(['test', 'rules', file]), ''));
  });
});

const EXPECTED: Readonly<Record<string, object>> = {
  ZfsTaskLate: {
    summary: 'ZFS task nightly is late',
    description: 'No success of local:tank nas:backup for longer than its schedule or alertAfter allows.',
  },
  ZfsTaskFailed: {
    summary: 'ZFS task nightly has failed',
    description: 'The last run of local:tank nas:backup failed, and none has succeeded since.',
  },
};

async function inFile(name: string, text: string, work: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'zfs-flows-rules-'));
  try {
    const file = path.join(folder, name);
    await writeFile(file, text);
    await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
