// The door to the engine: each module behind it has the type that it is given, and is loaded once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { engine } from '../../../../nodes/runtime/engine';

const FILE = path.resolve(__dirname, '../../../../nodes/runtime/engine.ts');

describe('the door to the engine', () => {
  it('gives each module the type of that module', () => {
    const text = readFileSync(FILE, 'utf8');
    const pairs = [...text.matchAll(/require\('([^']+)'\) as typeof import\('([^']+)'\)/g)];
    assert.ok(pairs.length >= 10);
    assert.equal(pairs.length, text.match(/require\(/g)?.length);
    for (const [, required, typed] of pairs) assert.equal(required, typed);
  });

  it('loads each part once, and there is one local host', () => {
    for (const part of Object.values(engine)) assert.equal(part(), part());
    assert.equal(engine.localHost().isLocal, true);
    assert.equal(typeof engine.replication().replicate, 'function');
    assert.equal(typeof engine.snapshots().createSnapshots, 'function');
    assert.equal(typeof engine.retention().prune, 'function');
    assert.equal(typeof engine.ssh().SshHost, 'function');
  });
});
