// A task's log as a file.
import assert from 'node:assert/strict';
import { dayOf, fileName, logText } from '../../../../../nodes/sidebar/editor/log-text';

describe('a log as text', () => {
  it('has one event a line, and further lines of a message indented below it', () => {
    const event = { n: 1, jobId: 'j', task: 't', time: '2026-11-22T01:30:00.000Z' };
    const text = logText([
      { ...event, level: 'info', event: 'started', message: 'snapshot of tank/data' },
      { ...event, level: 'error', event: 'failed', message: 'first\r\nsecond\n' },
    ]);
    assert.equal(
      text,
      '2026-11-22T01:30:00.000Z  INFO   started  snapshot of tank/data\n' +
        '2026-11-22T01:30:00.000Z  ERROR  failed  first\n    second\n',
    );
  });

  it('has a name that no file system refuses', () => {
    assert.equal(fileName('Nightly: nas1 → nas2 / "all"'), 'Nightly-nas1-nas2-all.log.txt');
    assert.equal(fileName('Fotos für Bärbel'), 'Fotos-für-Bärbel.log.txt');
    assert.equal(fileName('../..'), 'task.log.txt');
    assert.ok(fileName('x'.repeat(300)).length < 100);
  });

  it('has days as the reader counts them', () => {
    const local = new Date(2026, 10, 5, 0, 30);
    assert.equal(dayOf(local.toISOString()), '2026-11-05');
  });
});
