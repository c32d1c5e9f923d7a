// The endpoints of tasks (design/face.md §2) as a page gets them, answered by a test: for pictures of every state, for hundreds
// of tasks, and for hours that pass in a moment. What the real ones answer is asked of real ones in the other files.
import type { Page, Route, WebSocketRoute } from 'playwright-core';
import type { LogEvent, Run, Task } from '../../nodes/sidebar/editor/task';

const URL_OF = /\/zfs-flows\/tasks(?:\/(log|run|cancel|pause))?(?:\?|$)/;

export class TaskEndpoints {
  tasks: Task[] = [];
  readonly logs = new Map<string, LogEvent[]>();
  readonly runs = new Map<string, Run[]>();
  /** What was asked: `GET tasks`, `GET tasks?ids=a`, `POST tasks/run {"id":"a"}`. */
  readonly asked: string[] = [];
  /** Answer every request with this status, as a server does that is in trouble. */
  status = 200;
  private seq = 0;
  private socket: WebSocketRoute | undefined;

  async serve(page: Page): Promise<void> {
    await page.route(URL_OF, (route) => this.answer(route));
    await page.routeWebSocket(/\/comms$/, (socket) => {
      // Whatever else Node-RED and its editor say to each other goes on.
      socket.connectToServer();
      this.socket = socket;
    });
  }

  /** Tells the editor of a change as the runtime does it. */
  ping(ids: readonly string[]): void {
    this.seq++;
    this.socket?.send(JSON.stringify([{ topic: 'zfs-flows/changed', data: { seq: this.seq, ids } }]));
  }

  private async answer(route: Route): Promise<void> {
    const request = route.request();
    const url = new URL(request.url());
    const what = URL_OF.exec(url.href)?.[1];
    const body = request.postData();
    const query = url.search === '' ? '' : decodeURIComponent(url.search);
    const name = `tasks${what === undefined ? '' : `/${what}`}${query}`;
    this.asked.push(`${request.method()} ${name}${body === null ? '' : ` ${body}`}`);
    if (this.status !== 200) await route.fulfill({ status: this.status, json: {} });
    else if (what === undefined) await route.fulfill({ json: this.list(url.searchParams.get('ids')) });
    else if (what === 'log') await route.fulfill({ json: this.log(url.searchParams) });
    else await route.fulfill({ json: { ok: true } });
  }

  private list(ids: string | null): object {
    const wanted = ids?.split(',');
    const tasks = this.tasks.filter(({ id }) => wanted === undefined || wanted.includes(id));
    return { seq: this.seq, now: new Date().toISOString(), tasks };
  }

  private log(query: URLSearchParams): object {
    const id = query.get('id') ?? '';
    const all = this.logs.get(id) ?? [];
    const levels = ['error', 'warn', 'info', 'debug'];
    const least = levels.indexOf(query.get('level') ?? 'debug');
    const after = query.get('after');
    const before = Number(query.get('before') ?? Infinity);
    const limit = Number(query.get('limit') ?? 200);
    const fits = all.filter(({ n, level }) => n > Number(after ?? 0) && n < before && levels.indexOf(level) <= least);
    const events = after === null ? fits.slice(-limit) : fits.slice(0, limit);
    const ends = { first: all[0]?.n ?? 0, last: all.at(-1)?.n ?? 0 };
    return { id, ...ends, more: events.length < fits.length, events, runs: this.runs.get(id) ?? [] };
  }
}
