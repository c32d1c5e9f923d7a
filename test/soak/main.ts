// `npm run soak -- [--minutes 60] [--seed N] [--book FILE]`: says what it does while it does it, then what was wrong, and ends with 1 where
// anything was. What it needs installed is scripts/soak.sh's.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { soak } from './soak';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, book: { type: 'string' } },
  });
  const [minutes, seed] = [Number(values.minutes ?? 60), Number(values.seed ?? Date.now() % 1_000_000)];
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error('--minutes is more than 0, --seed a whole number');
  console.log(`${minutes} minutes of mishaps, seed ${seed}`);
  const { faults, figures, heard } = await soak({ minutes, seed, tell: (line) => console.log(line) });
  if (values.book !== undefined) writeFileSync(values.book, heard.map((one) => JSON.stringify(one)).join('\n'));
  for (const line of figures) console.log(`  ${line}`);
  for (const fault of faults) console.error(`WRONG  ${fault}`);
  if (faults.length === 0) {
    console.log('Nothing was wrong.');
    return;
  }
  console.error(
    `${faults.length === 1 ? 'One thing was' : `${faults.length} things were`} wrong. Again: npm run soak -- --minutes ${minutes} --seed ${seed}`,
  );
  process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
