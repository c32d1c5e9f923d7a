// Engine files that the dialogs bundle ask whether they run in Node.js; in a browser there is no `process`.
declare const process: { readonly env: Readonly<Record<string, string | undefined>> } | undefined;
