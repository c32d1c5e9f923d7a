// A program that owns a lab and waits to be ended; lab.test.ts ends it in several ways and looks what it left.
import { Lab } from '../../lab/lab';

async function main(): Promise<void> {
  const lab = await Lab.create();
  const machine = await lab.up('one');
  await machine.run(['true']);
  console.log(lab.directory);
  setInterval(() => undefined, 60_000);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
