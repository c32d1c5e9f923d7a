// Which listings of snapshots an engine makes: what a replication spares where nothing has changed.
import type { Engine } from './engine';

/** Until a change is as old as `src/replication/discover/unchanged.ts` wants it. */
export const TO_BE_OLD_MS = 8_000;

/** From now on, on machines a and b, until `end`; those of named snapshots and of holders apart. */
export function snapshotListings(engine: Engine): { end: () => string[] } {
  const lines: string[] = [];
  const ends = ['a', 'b'].map((id) =>
    engine.resolve(id).onCommand((line) => {
      if (/^zfs list .*-t snapshot/.test(line) && !line.includes('@')) lines.push(line);
    }),
  );
  return {
    end: () => {
      for (const stop of ends) stop();
      return lines;
    },
  };
}
