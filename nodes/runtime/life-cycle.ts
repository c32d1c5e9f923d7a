// Whether this process was asked to end. Node-RED closes its nodes then as it does at a deploy, and does not tell them why;
// what must not be left half done has to know the difference.
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

let ending = false;
let watching = false;

export const isEnding = (): boolean => ending;

/** From now on `isEnding` knows. A process that nobody else keeps from ending by a signal still ends by it. */
export function watchForEnding(): void {
  if (watching) return;
  watching = true;
  for (const signal of SIGNALS) {
    const noticed = (): void => {
      ending = true;
      if (process.listenerCount(signal) > 0) return;
      process.kill(process.pid, signal);
    };
    // Before Node-RED's own listener, which closes the nodes.
    process.prependOnceListener(signal, noticed);
  }
}
