// Ten minutes of a soak (soak.ts); `npm run soak` makes it an hour. SOAK_SEED repeats one, SOAK_MINUTES makes it longer.
import assert from 'node:assert/strict';
import { soak } from './soak';

const SEED = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 10);

describe(`a soak of ${MINUTES} minutes (SOAK_SEED=${SEED})`, function () {
  // What is under way at the end is waited for, and then everything is looked at.
  this.timeout((MINUTES + 15) * 60_000);

  it('loses nothing, leaves nothing, grows by nothing, and every alert is right', async () => {
    const told: string[] = [];
    // One that does not come to its end has to say how far it came.
    const limit = setTimeout(
      () => console.log(told.map((line) => `      ${line}`).join('\n')),
      (MINUTES + 14) * 60_000,
    );
    const { faults, figures } = await soak({ minutes: MINUTES, seed: SEED, tell: (line) => told.push(line) });
    clearTimeout(limit);
    for (const line of figures) console.log(`      ${line}`);
    if (faults.length > 0) {
      for (const line of told) console.log(`      ${line}`);
      console.log(`      again: npm run soak -- --minutes ${MINUTES} --seed ${SEED}`);
    }
    assert.deepEqual(faults, []);
  });
});
