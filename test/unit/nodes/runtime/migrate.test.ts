// Configurations of older versions: brought to the last step by step, and what cannot be known is refused.
import assert from 'node:assert/strict';
import { migrate } from '../../../../nodes/runtime/migrate';

describe('migration of configurations', () => {
  const steps = {
    1: (config: object) => ({ ...config, two: true }),
    2: (config: object) => ({ ...config, three: 'two' in config }),
  };

  it('goes step by step from any version to the last, and changes nothing in place', () => {
    const old = Object.freeze({ name: 'x' });
    assert.deepEqual(migrate(old, steps, 3), { name: 'x', two: true, three: true, version: 3 });
    assert.deepEqual(migrate({ version: 2 }, steps, 3), { version: 3, three: false });
    assert.deepEqual(migrate({ version: 3, a: 1 }, steps, 3), { version: 3, a: 1 });
  });

  it('takes a missing version for the first', () => {
    assert.deepEqual(migrate({}), { version: 1 });
  });

  it('refuses what it cannot know', () => {
    for (const version of [2, 0, -1, 1.5, 'x', null]) {
      assert.throws(() => migrate({ version }), { code: 'INVALID_OPTIONS', field: 'version' });
    }
  });
});
