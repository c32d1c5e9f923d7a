// When `auto` chooses TLS.
import assert from 'node:assert/strict';
import { bufferLimit, tlsPays, usableWindow } from '../../../../src/stream/wire/auto-rule';

const MB = 1 << 20;

describe('auto', () => {
  const large = { send: 64 * MB, receive: 64 * MB };
  const linux = { send: 4 * MB, receive: 6 * MB };

  it('is TLS only for large streams over long ways with large buffers', () => {
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 25, buffers: large }), true);
    assert.equal(tlsPays({ bytes: 255 * MB, rttMs: 25, buffers: large }), false);
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 24, buffers: large }), false);
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 100, buffers: linux }), false, "Linux's defaults");
    assert.equal(tlsPays({ bytes: 256 * MB, rttMs: 100, buffers: { send: 0, receive: 0 } }), false, 'nothing is known');
  });

  it("knows what Linux's default buffers give, whose they are, and what more would", () => {
    assert.equal(usableWindow(linux), Math.floor(4 * MB * 0.65));
    const limit = bufferLimit(linux, 100);
    assert.ok(limit);
    assert.equal(Math.round(limit.rate / 1e6), 27);
    assert.equal(limit.side, 'source');
    assert.equal(limit.wanted, 24 * MB);
    assert.ok(limit.gain > 4 && limit.gain < 5);
    assert.equal(bufferLimit(large, 100), null);
    assert.equal(bufferLimit(linux, 1), null);
  });
});
