import type { Answers } from '../../../src/wizard/answers';
import type { Machines } from './machines';

export function sentencesOf(_answers: Answers, _machines: Machines): { icon: string; text: string }[] {
  return [{ icon: 'fa-database', text: '…' }];
}
