// Builds what the lab boots (its newest flavour, or $ZFS_LAB_FLAVOUR), with progress, or says in plain words why it cannot.
// For the setup of test.sh and start.sh. `--problems`: it only says why it cannot.
import { buildLab, type Flavour } from '../../test/lab/lab';
import { isBuilt, labProblems } from '../../test/lab/problems';

async function main(): Promise<void> {
  const flavour = (process.env['ZFS_LAB_FLAVOUR'] as Flavour | undefined) ?? 'newest';
  if (process.argv[2] === '--problems') {
    const problems = labProblems(flavour);
    if (problems.length > 0) throw new Error(`The ZFS lab cannot run here.\n${problems.join('\n')}`);
    return;
  }
  if (!isBuilt(flavour)) console.log('Building the ZFS lab: Linux and OpenZFS, once, about 4 minutes on 2 cores.');
  await buildLab(flavour, (line) => console.log(`  ${line}`));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
