// Which datasets a tree leaves out at first.
import assert from 'node:assert/strict';
import { isSystemDataset } from '../../../src/zfs/system-datasets';

const LAYER = '0123456789abcdef'.repeat(4);

describe('datasets that a machine keeps for itself', () => {
  it('are where a NAS boots from, its state, and the layers of containers', () => {
    for (const name of [
      'boot-pool',
      'boot-pool/ROOT/25.10',
      'freenas-boot/grub',
      'tank/.system',
      'tank/.system/cores',
      'tank/ix-apps/docker',
      'tank/ix-applications',
      `tank/docker/${LAYER}`,
      `rpool/${LAYER}-init`,
    ]) {
      assert.equal(isSystemDataset(name), true, name);
    }
  });

  it('are no others', () => {
    for (const name of [
      'tank',
      'tank/data',
      'tank/data/.system',
      'tank/data/ix-apps',
      'tank/my-boot-pool',
      'boot-pools/x',
      'tank/docker',
      `tank/${LAYER.slice(1)}`,
      `tank/${LAYER}0`,
      `tank/${LAYER.toUpperCase()}`,
    ]) {
      assert.equal(isSystemDataset(name), false, name);
    }
  });
});
