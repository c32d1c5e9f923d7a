// Runs inside a machine (machine.node) and says where it is; lab.test.ts compares.
import { execFileSync } from 'node:child_process';

const pools = execFileSync('zpool', ['list', '-H', '-o', 'name'], { encoding: 'utf8' }).trim();
console.log(
  JSON.stringify({ node: process.version, pools, args: process.argv.slice(2), word: process.env['LAB_WORD'] }),
);
