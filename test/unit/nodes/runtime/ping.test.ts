// What the editors are told: that something has changed, twice a second at most, and nothing about what.
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Ping, TOPIC } from '../../../../nodes/runtime/ping';

describe('the ping', () => {
  let sent: { topic: string; data: { seq: number; ids?: string[] } }[];
  let ping: Ping;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000 });
    sent = [];
    ping = new Ping(
      (topic, data) => sent.push({ topic, data: data as { seq: number } }),
      () => Date.now(),
    );
  });
  afterEach(() => mock.timers.reset());

  it('says at once that something has changed, and then twice a second at most', () => {
    for (let i = 0; i < 20_000; i++) {
      ping.changed(i % 2 === 0 ? 'a' : 'b');
      if (i % 2 === 0) mock.timers.tick(1);
    }
    assert.ok(sent.length >= 19 && sent.length <= 21, String(sent.length));
    mock.timers.tick(1_000);
    const { topic, data } = sent.at(-1) ?? {};
    assert.deepEqual([topic, data?.seq, data?.ids?.toSorted()], [TOPIC, 20_000, ['a', 'b']]);
    const before = sent.length;
    mock.timers.tick(60_000);
    assert.equal(sent.length, before, 'nothing changes, nothing is said');
  });

  it('names nobody when very many have changed', () => {
    for (let i = 0; i <= 100; i++) ping.changed(`n${i}`);
    mock.timers.tick(1);
    assert.deepEqual(sent, [{ topic: TOPIC, data: { seq: 101 } }]);
  });
});
