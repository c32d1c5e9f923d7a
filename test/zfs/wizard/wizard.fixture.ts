// A Node-RED whose flows are what the wizard makes of answers, between two lab machines: asks its endpoints as the tray does,
// presses the buttons that it has placed.
import assert from 'node:assert/strict';
import { FIELDS } from '../../../nodes/fields';
import type { CheckAnswer } from '../../../nodes/admin/check-answer';
import type { ReplicationResult } from '../../../src/replication/setup/options';
import { defaultAnswers, type Answers } from '../../../src/wizard/answers';
import { makeFlow, type WizardFlow } from '../../../src/wizard/flow';
import { isComplete, problemsOf } from '../../../src/wizard/problems';
import { checkQuestion } from '../../../src/wizard/question';
import type { Machine } from '../../lab/machine';
import { helper, type FlowBench, type FlowNode, type Message } from '../../support/flow-bench';
import { connectionNode } from '../../support/flow-lab';

const WORDS = { runNow: 'run now', errors: 'errors', snapshots: 'snapshots', about: 'about', summary: 'summary' };
const OUTPUTS = ['result', 'log', 'error'] as const;

export interface Refused {
  ok: false;
  code: string;
  message: string;
  hint?: string;
  field?: string;
}

/** Answers of a person who has two connections, `a` and `b`. */
export function answers(more: Partial<Answers>): Answers {
  return { ...defaultAnswers(), sourceConnection: 'a', targetConnection: 'b', ...more };
}

export class WizardBench {
  /** Of the flow that is deployed. */
  ids: WizardFlow['ids'] = { snapshot: '', replicate: '' };
  private counter = 0;
  private button = '';
  private seen = 0;

  constructor(
    private readonly bench: FlowBench,
    private readonly a: Machine,
    private readonly b: Machine,
  ) {}

  /** A Node-RED with two connections and no task. */
  async open(): Promise<void> {
    await this.bench.start(this.connections(), this.credentials());
  }

  private connections(): FlowNode[] {
    return [connectionNode('a', this.a), connectionNode('b', this.b)];
  }

  private credentials(): Record<string, object> {
    const { privateKey } = this.a;
    return { a: { privateKey }, b: { privateKey } };
  }

  async ask(endpoint: string, question: object): Promise<Record<string, unknown>> {
    const response = await helper.request().post(`/zfs-flows/${endpoint}`).send(question).expect(200);
    return response.body as Record<string, unknown>;
  }

  check(asked: Answers): Promise<CheckAnswer | Refused> {
    return this.ask('check-replication', checkQuestion(asked)) as Promise<CheckAnswer | Refused>;
  }

  /** A check that finds something to do, or something in its way, and changes nothing on either machine. */
  async checked(asked: Answers): Promise<CheckAnswer> {
    const history = (): Promise<string[]> =>
      Promise.all([this.a.read(['zpool', 'history', '-i', 'tank']), this.b.read(['zpool', 'history', '-i', 'backup'])]);
    const before = await history();
    const answer = await this.check(asked);
    assert.deepEqual(await history(), before);
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer;
  }

  /** The flow that the wizard makes, deployed as it is. */
  async place(asked: Answers): Promise<WizardFlow> {
    const problems = problemsOf(asked, { tables: FIELDS });
    assert.ok(isComplete(problems), JSON.stringify(problems));
    const prefix = `w${++this.counter}`;
    let count = 0;
    const flow = makeFlow(asked, {
      tables: FIELDS,
      words: WORDS,
      place: { z: 'tab', x: 160, y: 60 },
      newTab: 'Replications',
      nextId: () => `${prefix}-${++count}`,
    });
    this.ids = flow.ids;
    this.seen = 0;
    this.button = flow.nodes.find(({ type }) => type === 'inject')?.id ?? '';
    const credentials = { ...this.credentials(), ...flow.credentials };
    await this.bench.deploy([...this.connections(), ...this.listening(flow)], 'full', credentials);
    return flow;
  }

  /** The same nodes, which somebody listens to as well. */
  private listening({ nodes, ids }: WizardFlow): FlowNode[] {
    const heard = [ids.snapshot, ids.replicate].filter((id) => id !== '');
    const taps = heard.flatMap((id) =>
      OUTPUTS.map((output): FlowNode => ({ id: `${id}-${output}`, type: 'test-collector', z: 'tab', wires: [] })),
    );
    const wired = nodes.map((node) => {
      if (!heard.includes(node.id)) return node;
      const wires = node['wires'] as string[][];
      return { ...node, wires: OUTPUTS.map((output, index) => [...(wires[index] ?? []), `${node.id}-${output}`]) };
    });
    return [...wired, ...taps];
  }

  /** Presses the task's button. Resolves with what the replication's result or error output says then. */
  async press(): Promise<Message> {
    const { snapshot, replicate } = this.ids;
    this.bench.send(this.button);
    const wanted = ++this.seen;
    const all = (): Message[] =>
      (['result', 'error'] as const)
        .flatMap((kind) => this.bench.at(replicate, kind))
        .concat(this.bench.at(snapshot, 'error'));
    await this.bench.until(`run ${wanted}`, () => all().length >= wanted, 60_000);
    return (
      this.bench.at(replicate, 'error').at(-1) ??
      this.bench.at(snapshot, 'error').at(-1) ??
      (all()[wanted - 1] as Message)
    );
  }

  /** The same, and it succeeds. */
  async run(): Promise<ReplicationResult> {
    const message = await this.press();
    assert.equal(message['error'], undefined, JSON.stringify(message['error']));
    return message.payload as ReplicationResult;
  }

  /** The same, and it fails. */
  async fail(): Promise<{ code: string; message: string }> {
    const { error } = await this.press();
    assert.ok(error, 'it succeeded');
    return error as { code: string; message: string };
  }
}
