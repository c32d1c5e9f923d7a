// What *Test connection* found, as a person reads it: the machine, then each way to carry data and each node, with what is
// missing for it and how to mend that.
import type { Lack, NodeReadiness } from '../../../src/readiness/readiness';
import type { TestAnswer } from '../test-answer';
import type { Translate } from './set-up-pane';

/** A sentence, and the command that mends what it tells. */
interface Told {
  text: string;
  command?: string;
}

function tell(t: Translate, lack: Lack, account: string): Told {
  switch (lack.kind) {
    case 'program':
      return lack.anyOf.length === 1
        ? { text: t('test.lack.program', { program: lack.anyOf[0] }) }
        : { text: t('test.lack.anyOf', { programs: lack.anyOf.join(', ') }) };
    case 'rights': {
      const { user, rights, dataset } = lack;
      return { text: t('test.lack.rights', { user }), command: `zfs allow ${user} ${rights.join(',')} ${dataset}` };
    }
    case 'privilege': {
      const { by, command, said } = lack;
      return { text: t('test.lack.privilege', { by, command, said, user: account }) };
    }
    case 'zfs':
      return { text: t('test.lack.zfs', { needs: lack.needs, has: lack.has }) };
    case 'openssl':
      return { text: t('test.lack.openssl', { has: lack.has }) };
    case 'module':
    case 'pool':
    case 'jump':
    default:
      return { text: t(`test.lack.${lack.kind}`) };
  }
}

const TRANSPORTS = {
  ssh: 'test.transport.ssh',
  'ssh+tls': 'test.transport.tls',
  'ssh+netcat': 'test.transport.netcat',
} as const;

interface Row {
  id: string;
  label: string;
  ok: boolean;
  told: Told[];
}

/** What the lacks of all have in common is told once, above them. */
function common(answer: TestAnswer): Lack[] {
  const [first, ...others] = answer.nodes.map(({ missing }) => missing.map((lack) => JSON.stringify(lack)));
  const shared = (first ?? []).filter((lack) => others.every((missing) => missing.includes(lack)));
  return shared.map((lack) => JSON.parse(lack) as Lack);
}

function nodeRow(t: Translate, answer: TestAnswer, node: NodeReadiness, told: readonly Lack[]): Row {
  const known = new Set(told.map((lack) => JSON.stringify(lack)));
  const { missing, where = [], limits, ok } = node;
  const role = node.role === undefined ? '' : ` ${t(`test.role.${node.role}`)}`;
  return {
    id: node.role === undefined ? node.node : `${node.node}-${node.role}`,
    label: `${node.node}${role}`,
    ok,
    told: [
      ...missing.filter((lack) => !known.has(JSON.stringify(lack))).map((lack) => tell(t, lack, answer.user)),
      ...(where.length > 0 ? [{ text: t('test.where', { datasets: shortened(t, where) }) }] : []),
      ...limits.map((limit) => ({ text: t(`test.limit.${limit}`) })),
    ],
  };
}

/** Datasets above others stand for them. */
function shortened(t: Translate, datasets: readonly string[]): string {
  const top = datasets.filter((name) => !datasets.some((other) => name.startsWith(`${other}/`)));
  const shown = top.slice(0, 4).join(', ');
  return top.length > 4 ? t('test.more', { shown, count: top.length - 4 }) : shown;
}

function checks(title: string, rows: readonly Row[], t: Translate): JQuery {
  const list = $('<ul>', { class: 'zfs-checks', 'aria-label': title });
  for (const { id, label, ok, told } of rows) {
    const item = $('<li>', { 'data-zfs-check': id, 'data-zfs-ok': String(ok), class: ok ? 'zfs-ok' : 'zfs-lacks' });
    $('<i>', { class: `fa ${ok ? 'fa-check' : 'fa-times'}`, role: 'img' })
      .attr('aria-label', t(ok ? 'test.ok' : 'test.lacks'))
      .appendTo(item);
    $('<span>', { class: 'zfs-check-label' }).text(label).appendTo(item);
    const said = $('<span>', { class: 'zfs-check-told' }).appendTo(item);
    for (const one of told) showTold(said, one);
    list.append(item);
  }
  return $('<div>').append($('<h5>').text(title), list);
}

function showTold(parent: JQuery, { text, command }: Told): void {
  const line = $('<span>').text(text).appendTo(parent);
  if (command !== undefined) line.append($('<code>', { class: 'zfs-command' }).text(command));
}

function machine(t: Translate, answer: TestAnswer): JQuery {
  const list = $('<dl>');
  const row = (label: string, text: string): void => {
    $('<dt>').text(t(label)).appendTo(list);
    $('<dd>').text(text).appendTo(list);
  };
  const { zfsVersion, zfsKernelVersion: kernel, platform, user, rights, pools, helpers } = answer;
  const versions = kernel === '' || kernel === zfsVersion ? zfsVersion : `${zfsVersion} (${kernel})`;
  row('test.zfs', t('test.zfsOn', { versions, platform, host: answer.hostname }));
  row('test.account', t(`test.rights.${rights}`, { user }));
  const poolNames = pools.map(({ name, health }) => (health === 'ONLINE' ? name : `${name} (${health})`));
  row('test.pools', poolNames.join(', ') || t('test.noPools'));
  row('test.helpers', helpers.present.join(', ') || t('test.noHelpers'));
  if (helpers.absent.length > 0) row('test.absent', helpers.absent.join(', '));
  return list;
}

export function showTestAnswer(t: Translate, answer: TestAnswer): JQuery {
  const shared = common(answer);
  const content = $('<div>', { class: 'zfs-test' });
  $('<strong>').text(t('tools.works')).appendTo(content);
  content.append(machine(t, answer));
  if (shared.length > 0) {
    const problem = $('<div>', { class: 'zfs-test-problem', 'data-zfs-check': 'all', 'data-zfs-ok': 'false' });
    for (const lack of shared) showTold(problem, tell(t, lack, answer.user));
    content.append(problem);
  }
  const ways = answer.transports.map(({ transport, ok, missing }): Row => {
    return {
      id: transport,
      label: t(TRANSPORTS[transport]),
      ok,
      told: missing.map((lack) => tell(t, lack, answer.user)),
    };
  });
  const nodes = answer.nodes.map((node) => nodeRow(t, answer, node, shared));
  return content.append(checks(t('test.transports'), ways, t), checks(t('test.nodes'), nodes, t));
}

/** Whether something is missing that a node needs; what a transport needs is nobody's duty. */
export const lacksSomething = ({ nodes }: TestAnswer): boolean => nodes.some(({ ok }) => !ok);
