// When somebody is told that a task is late. A node with a schedule knows by itself; one that is started by another, here the
// replication after its snapshots, has to be told how long is too long. Pure.
import { isScheduled, scheduleOf, takesSnapshots, type Answers } from './answers';
import { periodOf, twiceText } from './period';

/** The `alertAfter` of a replication that is started by its snapshots, '' where its own schedule says enough. */
export function suggestedAlert(answers: Answers): string {
  if (!isScheduled(answers) || !takesSnapshots(answers)) return '';
  const period = periodOf(scheduleOf(answers));
  return period === null ? '' : twiceText(period);
}
