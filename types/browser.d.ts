// Engine files that the dialogs bundle ask whether they run in Node.js; in a browser there is no `process`.
declare const process: { readonly env: Readonly<Record<string, string | undefined>> } | undefined;

// `import type` of the engine's option types also reaches src/host/host.ts, which names types of Node.js.
declare namespace NodeJS {
  type Signals = `SIG${string}`;
  type ProcessEnv = Record<string, string | undefined>;
}
