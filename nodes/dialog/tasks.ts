// What the sidebar and the buttons on nodes ask of the endpoints of tasks. What is refused comes back as a text for the person.

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
