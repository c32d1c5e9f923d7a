// Questions to the runtime: POST requests to the admin endpoints `zfs-flows/…`. Relative, so that they reach the editor's
// own server wherever it is mounted; Node-RED adds its access token.

/** What an endpoint answers when it could not do what was asked; sent with HTTP status 200. */
export interface Refusal {
  ok: false;
  code?: string;
  message: string;
  hint?: string;
  /** The value of the question that is wrong. */
  field?: string;
  details?: Record<string, unknown>;
  /** More than the contract's codes have: what the person was asked to confirm. */
  [more: string]: unknown;
}

export function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && (answer as { ok?: unknown }).ok === false;
}

/** Never rejects: a failed request is a refusal too, and one that `signal` has ended is `CANCELLED`. */
export function ask<T extends object>(
  endpoint: string,
  question: object,
  t: EditorNode['_'],
  signal?: AbortSignal,
): Promise<T | Refusal> {
  return new Promise((resolve) => {
    const request = $.ajax({
      url: `zfs-flows/${endpoint}`,
      method: 'POST',
      contentType: 'application/json',
      dataType: 'json',
      data: JSON.stringify(question),
      success: (answer: T | Refusal) => resolve(answer),
      error: ({ status, responseJSON }) => {
        if (signal?.aborted === true) resolve({ ok: false, code: 'CANCELLED', message: '' });
        // Ours say why, also with a status of their own.
        else if (isRefusal(responseJSON)) resolve(responseJSON);
        else resolve({ ok: false, message: requestProblem(status, t) });
      },
    });
    signal?.addEventListener('abort', () => request.abort());
  });
}

function requestProblem(status: number, t: EditorNode['_']): string {
  if (status === 0) return t('common.admin.offline');
  if (status === 401 || status === 403) return t('common.admin.forbidden');
  return t('common.admin.status', { status });
}
