import type { Stage } from './step';

export interface ShownTree {
  shown(): void;
  dispose(): void;
}

export function sourceTree(_stage: Stage, _place: JQuery): ShownTree {
  return { shown: () => undefined, dispose: () => undefined };
}
export function targetTree(_stage: Stage, _place: JQuery): ShownTree {
  return { shown: () => undefined, dispose: () => undefined };
}
