import type { Form } from './form';
import type { Stage } from './step';

export function checkPart(_form: Form, _stage: Stage): void {
  // later
}
