// The words of the page: they come with it, as JSON.

interface Texts {
  [key: string]: string | Texts;
}

let texts: Texts = {};

export function loadTexts(): void {
  texts = JSON.parse(document.getElementById('text')?.textContent ?? '{}') as Texts;
}

/** `__name__` in a text is replaced. */
export function t(key: string, values: Readonly<Record<string, string | number>> = {}): string {
  let found: string | Texts | undefined = texts;
  for (const part of key.split('.')) found = typeof found === 'object' ? found[part] : undefined;
  const text = typeof found === 'string' ? found : key;
  return text.replaceAll(/__(\w+?)__/g, (whole, name: string) => String(values[name] ?? whole));
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** `3 hours ago`, `in 20 minutes`. `now`: the server's, ms. */
export function ago(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' });
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  return format.format(Math.trunc(seconds / size), unit);
}

/** In the zone of whoever looks. */
export function clock(
  time: string,
  parts: Intl.DateTimeFormatOptions = { dateStyle: 'short', timeStyle: 'short' },
): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, parts).format(new Date(time));
}
