// What both the sidebar and the buttons on nodes do with a task: start it, and know whether that can destroy something. What
// is refused comes back as a text for the person.

export interface Answer {
  ok?: boolean;
  code?: string;
  message?: string;
  hint?: string;
}

export type Outcome<T> = { ok: true; answer: T } | { ok: false; status: number; text: string };

export interface Question {
  method: 'GET' | 'POST';
  /** Below `zfs-flows/`. */
  path: string;
  /** Query of a GET, JSON body of a POST. */
  data?: object;
}

type Translate = (key: string, replacements?: Record<string, unknown>) => string;

/** Never rejects. `t`: with the words of `common`. */
export function request<T extends object>({ method, path, data }: Question, t: Translate): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const body = method === 'GET' ? data : JSON.stringify(data ?? {});
    $.ajax({
      // Relative, so that it reaches the editor's own server wherever it is mounted; Node-RED adds its access token.
      url: `zfs-flows/${path}`,
      method,
      ...(body === undefined ? {} : { data: body }),
      ...(method === 'POST' ? { contentType: 'application/json' } : {}),
      dataType: 'json',
      timeout: 20_000,
      success: (answer: T & Answer, _text, { status }) => {
        resolve(answer.ok === false ? { ok: false, status, text: refusalText(answer) } : { ok: true, answer });
      },
      error: ({ status, responseJSON }) => {
        const answer = responseJSON as Answer | undefined;
        const said = answer?.message === undefined ? '' : refusalText(answer);
        resolve({ ok: false, status, text: said || requestProblem(status, t) });
      },
    });
  });
}

function refusalText({ code, message, hint }: Answer): string {
  const text = message ?? code ?? '';
  return hint === undefined || hint === '' ? text : `${text} – ${hint}`;
}

function requestProblem(status: number, t: Translate): string {
  if (status === 0) return t('common.admin.offline');
  if (status === 401 || status === 403) return t('common.admin.forbidden');
  return t('common.run.status', { status });
}

export function mayChangeTasks(): boolean {
  return RED.user.hasPermission('zfs.tasks.write');
}

const SOURCES: ReadonlySet<unknown> = new Set(['msg', 'flow', 'global', 'env', 'jsonata']);

/** The literal value of a typed property; undefined when only a run can know it. */
function literal(node: EditorNode, property: string): unknown {
  return SOURCES.has(node[`${property}Type`]) ? undefined : (node[property] ?? '');
}

/**
 * Whether a run can destroy what the node's author may not think of at this moment: a prune that executes, a replication
 * that rolls back or replaces its target. What is not known for sure can.
 */
export function canDestroy(node: EditorNode): boolean {
  if (node.type === 'zfs-retention-prune') return !['', 'plan', 'approve'].includes(String(literal(node, 'mode')));
  if (node.type === 'zfs-replicate') {
    // `rotate` moves the old target aside and destroys nothing.
    return !['', 'refuse', 'rotate'].includes(String(literal(node, 'whenDiverged')));
  }
  return false;
}

/** Nothing at all goes by a run of this node, not by its own retention either. */
export function destroysNothing(node: EditorNode): boolean {
  if (canDestroy(node)) return false;
  if (node.type === 'zfs-snapshot') return (node['retention'] ?? null) === null;
  if (node.type === 'zfs-replicate') return ['none', undefined].includes(node['targetRetention'] as string | undefined);
  return true;
}
