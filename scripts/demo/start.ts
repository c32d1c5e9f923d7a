// `npm start`, once all is installed and built: boots the demo machines, an MQTT broker and a Node-RED with the example
// flows on 127.0.0.1, says what to press, and takes everything down again on Ctrl-C. All files are in the lab's folder.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab } from '../../test/lab/lab';
import { connectionNode, demoFlows, starters, type Example, type FlowNode } from './flows';
import { bootMachines } from './machines';

const ROOT = path.resolve(__dirname, '../..');
const HOST = '127.0.0.1';
/** Seconds that Node-RED gets to end; its own limit for closing nodes is 15. */
const PATIENCE = 20;

const children: ChildProcess[] = [];
let lab: Lab | null = null;
let stopping = false;

function readExamples(): Example[] {
  const folder = path.join(ROOT, 'examples');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => ({
      name: path.basename(file, '.json'),
      nodes: JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as FlowNode[],
    }));
}

/** `wanted` if it is free on loopback, else null; 0 finds any. */
async function freePort(wanted: number): Promise<number | null> {
  const server = net.createServer();
  try {
    server.listen(wanted, HOST);
    await once(server, 'listening');
    return (server.address() as net.AddressInfo).port;
  } catch {
    return null;
  } finally {
    server.close();
  }
}

/** A process that ends with the lab. Not in our session: Ctrl-C is for us, who end them in order. */
function start(program: string, argv: readonly string[], home: Lab): ChildProcess {
  const child = spawn(program, argv, { cwd: home.directory, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  child.once('error', (error) => void stop(`${program} could not be started: ${error.message}`));
  child.once('exit', (code) => {
    if (!stopping) void stop(`${program} has ended with exit code ${code}.`);
  });
  home.adopt(child);
  children.push(child);
  return child;
}

async function startBroker(home: Lab): Promise<number> {
  const port = (await freePort(1883)) ?? (await freePort(0)) ?? 1883;
  const file = path.join(home.directory, 'mosquitto.conf');
  const lines = [`listener ${port} ${HOST}`, 'allow_anonymous true', 'persistence false', 'log_type error'];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const places = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'];
  start(places.find((place) => existsSync(place)) ?? 'mosquitto', ['-c', file], home);
  return port;
}

/** A user directory of its own, in which this package is installed as a link. */
function makeUserDirectory(home: Lab, port: number): string {
  const directory = path.join(home.directory, 'node-red');
  const scope = path.join(directory, 'node_modules', '@zfs-flows');
  mkdirSync(scope, { recursive: true });
  symlinkSync(ROOT, path.join(scope, 'node-red-zfs-replication'));
  const settings = {
    uiHost: HOST,
    uiPort: port,
    flowFile: 'flows.json',
    credentialSecret: randomBytes(32).toString('hex'),
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, page: { title: 'ZFS flows' }, header: { title: 'ZFS flows: nas1 → nas2' } },
    logging: { console: { level: 'warn', metrics: false, audit: false } },
  };
  writeFileSync(path.join(directory, 'settings.js'), `module.exports = ${JSON.stringify(settings, null, 2)};\n`);
  return directory;
}

async function startNodeRed(home: Lab, port: number, flows: readonly FlowNode[]): Promise<void> {
  const directory = makeUserDirectory(home, port);
  const program = path.join(ROOT, 'node_modules', 'node-red', 'red.js');
  start(process.execPath, [program, '--userDir', directory, '--settings', path.join(directory, 'settings.js')], home);
  const url = `http://${HOST}:${port}/flows`;
  for (;;) {
    const ready = await fetch(url).catch(() => null); // not listening yet
    if (ready?.ok === true) break;
    await sleep(100);
  }
  const deployed = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
    body: JSON.stringify(flows),
  });
  if (!deployed.ok) throw new Error(`Node-RED refused the flows: ${await deployed.text()}`);
}

function explain(port: number, brokerPort: number, flows: readonly FlowNode[]): void {
  const lines = ['', `Node-RED runs at http://${HOST}:${port}`, ''];
  lines.push('nas1 has pool tank with five days of snapshots, nas2 has an empty pool backup; both run real OpenZFS.');
  lines.push('Replicate first, then prune: what nas2 does not have yet is never deleted on nas1.');
  for (const { tab, buttons, webhooks, topics } of starters(flows)) {
    lines.push('', `  tab "${tab}"`);
    for (const button of buttons) lines.push(`    press the button left of "${button}"`);
    for (const { method, url } of webhooks) {
      lines.push(`    or call: curl -X ${method.toUpperCase()} http://${HOST}:${port}${url}`);
    }
    for (const topic of topics) lines.push(`    or publish to ${topic} on mqtt://${HOST}:${brokerPort}`);
  }
  lines.push(
    '',
    'Debug messages appear in the sidebar (the beetle). Ctrl-C here ends everything and leaves nothing.',
    '',
  );
  console.log(lines.join('\n'));
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE * 1000);
  await ended;
  clearTimeout(timer);
}

/** Ends everything, in order; `trouble` makes it a failure. */
async function stop(trouble: string | null): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (trouble === null) console.log('\nStopping …');
  else console.error(`\n${trouble}`);
  for (const child of children.toReversed()) await endChild(child);
  await lab?.close();
  console.log('Nothing is left running.');
  process.exit(trouble === null ? 0 : 1);
}

/** npm ends its shell and not us when it is asked to end; so we look whether it is still there. */
function stopWithNpm(): void {
  if (process.env['npm_lifecycle_event'] !== 'start') return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void stop(null);
  }, 500).unref();
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(null));
  stopWithNpm();
  const wanted = Number(process.env['PORT'] ?? 1880);
  if ((await freePort(wanted)) === null) {
    throw new Error(`Port ${wanted} of ${HOST} is taken or cannot be used: PORT=1881 npm start takes another one.`);
  }
  console.log('Booting nas1 and nas2 …');
  lab = await Lab.create({ signals: false });
  const { nas1, nas2 } = await bootMachines(lab);
  const broker = await startBroker(lab);
  const connections = [connectionNode('nas1', nas1.login()), connectionNode('nas2', nas2.login())];
  const flows = demoFlows(readExamples(), connections, { host: HOST, port: broker }, `http://${HOST}:${wanted}`);
  await startNodeRed(lab, wanted, flows);
  explain(wanted, broker, flows);
}

main().catch((error: unknown) => {
  // A stop in the middle makes what is under way fail; that is not news.
  if (!stopping) void stop(error instanceof Error ? error.message : String(error));
});
