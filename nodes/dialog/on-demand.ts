// A part of the editor's half that is a file of its own (`resources/…`), loaded by code when it is needed for the first time:
// the html that Node-RED keeps in memory knows which build of it belongs to it, and a failed load can be tried again.

/** Where the file is, relative to the editor's page, and which build of it belongs to this html. */
export interface PartFile {
  readonly url: string;
  readonly build: string;
}

export type Loaded<T> =
  | { readonly state: 'ready'; readonly content: T }
  | { readonly state: 'unreachable' }
  /** An update is on disk, and Node-RED still runs what was there before. */
  | { readonly state: 'otherBuild'; readonly found: string };

declare global {
  interface Window {
    /** By name; the files look here for who waits for them. */
    ZfsFlowsParts?: Record<string, { deliver(build: string, content: unknown): void }>;
  }
}

export class Part<T> {
  private delivered: { build: string; content: T } | null = null;
  private loading: Promise<Loaded<T>> | null = null;

  constructor(
    name: string,
    readonly file: PartFile,
  ) {
    window.ZfsFlowsParts = { ...window.ZfsFlowsParts, [name]: this };
  }

  /** Called by the file. */
  deliver(build: string, content: unknown): void {
    this.delivered = { build, content: content as T };
  }

  /** Once for whoever asks meanwhile and, when it came, for ever. */
  async load(): Promise<Loaded<T>> {
    this.loading ??= this.fetch();
    const loaded = await this.loading;
    if (loaded.state !== 'ready') this.loading = null;
    return loaded;
  }

  private fetch(): Promise<Loaded<T>> {
    this.delivered = null;
    return new Promise((resolve) => {
      const script = document.createElement('script');
      script.src = `${RED.settings.apiRootUrl}${this.file.url}`;
      // Also when it holds something else, for example the page in which a proxy asks for a password.
      script.addEventListener('load', () => resolve(this.outcome()));
      script.addEventListener('error', () => resolve(this.outcome()));
      document.head.append(script);
    });
  }

  private outcome(): Loaded<T> {
    const { delivered, file } = this;
    if (delivered === null) return { state: 'unreachable' };
    if (delivered.build !== file.build) return { state: 'otherBuild', found: delivered.build };
    return { state: 'ready', content: delivered.content };
  }
}
