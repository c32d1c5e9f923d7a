// What befalls the machines, the links, the pools and the Node-RED of a soak, and when: all of it follows from the seed. Pure; who
// does it is hand.ts.
import { randomFrom } from '../support/random';

export const KINDS = [
  'power cut',
  'link cut',
  'link reset',
  'link slow',
  'cable cut',
  'pool full',
  'deploy of the same',
  'deploy of others',
  'pause',
  'run by hand',
  'cancel',
  'machine clock set',
  'Node-RED clock set',
  'Node-RED killed',
  'Node-RED ended',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Mishap {
  /** Seconds after the beginning. */
  at: number;
  kind: Kind;
  machine: 'a' | 'b';
  /** Seconds until it is over, where it lasts. */
  lasts: number;
  /** [0, 1), for whatever else there is to choose. */
  choice: number;
}

export interface Plan {
  /** Seconds of which nothing happens: at the beginning, and at the end from `healed` on. */
  quiet: number;
  /** Everything is over by then. */
  healed: number;
  mishaps: Mishap[];
}

/** Each befalls both machines. */
const TWICE: ReadonlySet<Kind> = new Set<Kind>(['power cut', 'link cut', 'pool full']);
/** Seconds, from and to. */
const LASTS: Partial<Record<Kind, readonly [number, number]>> = {
  'power cut': [3, 25],
  'link cut': [8, 40],
  'link slow': [20, 50],
  'cable cut': [10, 45],
  'pool full': [25, 60],
  pause: [40, 90],
  'machine clock set': [20, 60],
  'Node-RED clock set': [20, 60],
  'Node-RED killed': [0, 20],
  'Node-RED ended': [0, 20],
};
/** Longer than any task may be without a success before it is late. */
const OUTAGE = 150;
const QUIET = 45;
/** Seconds between two mishaps, about. */
const GAP = 15;
/** The share of the time after which Node-RED is left alone, so that its memory can be judged over the rest. */
const ONE_LIFE = 0.4;

const isEnd = (kind: Kind): boolean => kind === 'Node-RED killed' || kind === 'Node-RED ended';

export function makePlan(seed: number, minutes: number): Plan {
  const random = randomFrom(seed);
  const healed = minutes * 60 * 0.78;
  const alone = minutes * 60 * ONE_LIFE;
  const mishaps: Mishap[] = QUIET + OUTAGE < healed ? [outage(random, QUIET)] : [];
  let at = QUIET + 5;
  for (let deck: Mishap[] = []; ; at += GAP * (0.5 + random())) {
    if (deck.length === 0) deck = shuffled(random);
    // What may not come now comes when its time is there, or not at all.
    const index = deck.findIndex(({ kind }) => fits(kind, at, alone));
    const [card] = index < 0 ? deck.splice(0) : deck.splice(index, 1);
    if (card === undefined || index < 0) continue;
    // What would go on beyond the end is cut short.
    if (at > healed - 10) break;
    mishaps.push({ ...card, at, lasts: Math.min(card.lasts, healed - at) });
    if (deck.length === 0 && at + OUTAGE < healed) mishaps.push(outage(random, at));
  }
  return { quiet: QUIET, healed, mishaps: mishaps.toSorted((a, b) => a.at - b.at) };
}

/** Whether its clock was set while it was away is more than a Node-RED can know; so it ends before, and not after. */
function fits(kind: Kind, at: number, alone: number): boolean {
  if (isEnd(kind)) return at < alone;
  return kind !== 'Node-RED clock set' || at > alone;
}

const outage = (random: () => number, at: number): Mishap => ({
  at,
  kind: 'link cut',
  machine: 'b',
  lasts: OUTAGE,
  choice: random(),
});

function shuffled(random: () => number): Mishap[] {
  const cards = KINDS.flatMap((kind): Mishap[] => {
    const [least, most] = LASTS[kind] ?? [0, 0];
    const machines = TWICE.has(kind) ? (['a', 'b'] as const) : [random() < 0.5 ? ('a' as const) : ('b' as const)];
    return machines.map((machine) => {
      const lasts = least + random() * (most - least);
      return { at: 0, kind, machine, lasts, choice: random() };
    });
  });
  // Those that Node-RED ends by come first, while it may.
  const order = new Map(cards.map((card) => [card, random() - (isEnd(card.kind) ? 0.5 : 0)]));
  return cards.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

export function describeMishap({ at, kind, machine, lasts }: Mishap): string {
  const where = /^(power|link|pool|machine)/.test(kind) ? ` of ${machine}` : '';
  const long = lasts > 0 ? `, for ${lasts.toFixed(0)} s` : '';
  return `${at.toFixed(0).padStart(5)} s  ${kind}${where}${long}`;
}
