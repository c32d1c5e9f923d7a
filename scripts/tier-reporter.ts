// Mocha's spec reporter that also writes how many tests passed, failed and were skipped to the file $TIER_RESULT,
// for run-tiers.ts.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export interface TierResult {
  passed: number;
  failed: number;
  skipped: number;
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
      };
      if (file !== undefined) writeFileSync(file, JSON.stringify(result));
    });
  }
}

module.exports = TierReporter;
