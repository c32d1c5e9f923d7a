// A regular expression of Python, as TrueNAS uses it for names, in JavaScript: anchored at both ends, named groups and the ends
// of the text in our words. What has no counterpart here is refused, not guessed. Pure.
import { readRegExp } from '../../options/read';
import { Unusable } from './records';

/** What Python knows and JavaScript does not, or reads otherwise. */
const FOREIGN: readonly [RegExp, string][] = [
  [/^\(\?[aiLmsux-]+\)/, 'it begins with flags'],
  [/^\(\?[aiLmsux]*-?[aiLmsux]*:/, 'it has flags for a part of it'],
  [/^\(\?#/, 'it holds a comment'],
  [/^\(\?\(/, 'it holds a condition'],
  [/^\(\?>/, 'it holds an atomic group'],
  [/^(?:[*+?]|\{\d+(?:,\d*)?\})\+/, 'it holds a possessive quantifier'],
];

/** `^(?:R)$` in JavaScript. Throws `Unusable` with the reason. */
export function translated(python: string): string {
  let source = '';
  let inClass = false;
  for (let index = 0; index < python.length;) {
    const rest = python.slice(index);
    const piece = inClass ? classPiece(rest) : outerPiece(rest);
    if (!inClass && piece.from === '[') inClass = true;
    else if (inClass && piece.from === ']') inClass = false;
    source += piece.to;
    index += piece.from.length;
  }
  const whole = `^(?:${source})$`;
  try {
    readRegExp(whole, 'nameRegex');
  } catch {
    throw refused('JavaScript reads it otherwise');
  }
  return whole;
}

interface Piece {
  from: string;
  to: string;
}

const same = (from: string): Piece => ({ from, to: from });

const refused = (why: string): Unusable =>
  new Unusable(`the regular expression for names (name_regex) cannot be used as it is: ${why}`);

function outerPiece(rest: string): Piece {
  const named = /^\(\?P<([A-Za-z_]\w*)>/.exec(rest);
  if (named) return { from: named[0], to: `(?<${named[1] ?? ''}>` };
  const again = /^\(\?P=([A-Za-z_]\w*)\)/.exec(rest);
  if (again) return { from: again[0], to: `\\k<${again[1] ?? ''}>` };
  if (rest.startsWith('\\')) return escaped(rest);
  if (rest.startsWith('(?:')) return same('(?:');
  const foreign = FOREIGN.find(([pattern]) => pattern.test(rest));
  if (foreign !== undefined) throw refused(foreign[1]);
  return same(rest.charAt(0));
}

function escaped(rest: string): Piece {
  const from = rest.slice(0, 2);
  if (from === '\\A') return { from, to: '^' };
  if (from === '\\Z') return { from, to: '$' };
  if (/^\\[NUpPk]/.test(from)) throw refused(`${from} means something else there`);
  return same(from);
}

function classPiece(rest: string): Piece {
  return same(rest.startsWith('\\') ? rest.slice(0, 2) : rest.charAt(0));
}
