// Mocha's spec reporter that also writes how many tests passed, failed and were skipped, and what failed, to the file
// $TIER_RESULT, for run-tiers.ts.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export interface TierResult {
  passed: number;
  failed: number;
  skipped: number;
  failures: { title: string; said: string }[];
}

class TierReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env['TIER_RESULT'];
    runner.once('end', () => {
      const result: TierResult = {
        passed: this.stats.passes,
        failed: this.stats.failures,
        skipped: this.stats.pending,
        failures: this.failures.map((test) => ({ title: test.fullTitle(), said: test.err?.stack ?? 'no error told' })),
      };
      if (file !== undefined) writeFileSync(file, JSON.stringify(result));
    });
  }
}

module.exports = TierReporter;
