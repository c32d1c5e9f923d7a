// Progress: what `zfs send -vP` prints, adding up over snapshots, rate and remaining time.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ProgressMeter } from '../../../src/stream/rate-meter';
import { SendProgressReader } from '../../../src/stream/send-progress';

function feed(lines: readonly string[]): SendProgressReader {
  const reader = new SendProgressReader();
  for (const line of lines) assert.equal(reader.line(line), true, line);
  return reader;
}

describe('progress of zfs send -vP', () => {
  it('counts a full stream', () => {
    const reader = feed([
      'full\ttank/a@s1\t1000',
      'size\t1000',
      '12:00:01\t300\ttank/a@s1',
      '12:00:02\t700\ttank/a@s1',
    ]);
    assert.deepEqual(reader.state, { bytes: 700, snapshot: 'tank/a@s1' });
    assert.equal(reader.finalBytes, 1000);
  });

  it('adds up the snapshots of -I, whose counters each begin at 0, and those too quick to be seen', () => {
    const reader = feed([
      'incremental\ts0\ttank/a@s1\t1000',
      'incremental\ts1\ttank/a@s2\t500',
      'incremental\ts2\ttank/a@s3\t2000',
      'size\t3500',
      '12:00:01\t900\ttank/a@s1',
      '12:00:02\t400\ttank/a@s3',
    ]);
    assert.deepEqual(reader.state, { bytes: 1900, snapshot: 'tank/a@s3' });
    reader.line('12:00:03\t1900\ttank/a@s3');
    assert.equal(reader.state.bytes, 3400);
  });

  it('takes the size of the stream from the receiver where it says', () => {
    const reader = feed(['full\ttank/a@s1\t1000', 'incremental\ts1\ttank/a@s2\t700', 'size\t1700']);
    reader.receiverLine('receiving full stream of tank/a@s1 into backup/a@s1');
    reader.receiverLine('received 1.25K stream in 0.10 seconds (12.5K/sec)');
    reader.receiverLine('received 624B stream in 0.04 seconds (15.2K/sec)');
    assert.equal(reader.finalBytes, 1280 + 624);
  });

  it('leaves messages to people alone', () => {
    const reader = new SendProgressReader();
    for (const line of ['cannot send tank/a@s1: Broken pipe', '', 'size', 'warning: x\ty\tz', 'full']) {
      assert.equal(reader.line(line), false, line);
    }
  });

  it('never goes back, whatever the lines', () => {
    const line = fc.oneof(
      fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 5000 })).map(([index, bytes]) => `12:00:00\t${bytes}\ttank@s${index}`),
      fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 5000 })).map(([index, size]) => `full\ttank@s${index}\t${size}`),
      fc.nat({ max: 20_000 }).map((size) => `size\t${size}`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        const reader = new SendProgressReader();
        let bytes = 0;
        for (const text of lines) {
          reader.line(text);
          assert.ok(reader.state.bytes >= bytes);
          bytes = reader.state.bytes;
        }
        assert.ok(reader.finalBytes >= bytes);
      }),
    );
  });
});

describe('progress meter', () => {
  it('tells rate and remaining time of a steady transfer', () => {
    const meter = new ProgressMeter();
    for (let second = 0; second < 5; second++) meter.update(second * 100, 1000, second * 1000);
    assert.deepEqual(meter.update(500, 1000, 5000), {
      bytes: 500,
      totalBytes: 1000,
      percent: 50,
      rate: 100,
      etaSeconds: 5,
    });
  });

  it('smooths, and follows a lasting change', () => {
    const meter = new ProgressMeter();
    let bytes = 0;
    for (let second = 0; second <= 10; second++) meter.update((bytes += 100), 0, second * 1000);
    assert.ok(meter.update((bytes += 1000), 0, 11_000).rate < 300);
    let rate = 0;
    for (let second = 12; second < 60; second++) rate = meter.update((bytes += 1000), 0, second * 1000).rate;
    assert.ok(rate > 950 && rate <= 1000, String(rate));
  });

  it('says nothing it does not know', () => {
    const meter = new ProgressMeter();
    assert.deepEqual(meter.update(0, 0, 0), { bytes: 0, totalBytes: 0, percent: 0, rate: 0, etaSeconds: null });
    assert.equal(meter.update(0, 100, 1000).etaSeconds, null);
  });

  it('only grows, and never over 100 per cent', () => {
    const step = fc.record({ bytes: fc.nat(), total: fc.nat(), ms: fc.nat({ max: 5000 }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const meter = new ProgressMeter();
        let time = 0;
        let before = 0;
        for (const { bytes, total, ms } of steps) {
          const report = meter.update(bytes, total, (time += ms));
          assert.ok(report.bytes >= before && report.percent <= 100 && report.rate >= 0);
          assert.ok(report.etaSeconds === null || report.etaSeconds >= 0);
          before = report.bytes;
        }
      }),
    );
  });
});
