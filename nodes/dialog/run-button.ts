// The button on a node in the workspace: for a node that starts by itself and so has no inject node, and that destroys
// nothing. It does what the sidebar's "run now" does.
import { destroysNothing } from './destroys';
import { mayChangeTasks, request } from './tasks';

function escaped(text: string): string {
  return $('<span>').text(text).html();
}

/** Called by the editor with the node as `this`. */
export const RUN_BUTTON: Readonly<Required<EditorNodeButton>> = {
  visible() {
    return Boolean(this['schedule']) && this['enabled'] !== false && mayChangeTasks() && destroysNothing(this);
  },
  enabled() {
    return this['changed'] !== true;
  },
  // Also called where it is shown as disabled.
  onclick() {
    const name = this.name || this._('label');
    if (this['changed'] === true) {
      RED.notify(escaped(this._('common.run.deployFirst', { name })), { type: 'warning', timeout: 5_000 });
      return;
    }
    const t = (key: string, values?: Record<string, unknown>): string => this._(key, values);
    void request({ method: 'POST', path: 'tasks/run', data: { id: this.id } }, t).then((outcome) => {
      if (outcome.ok) RED.notify(escaped(this._('common.run.started', { name })), { type: 'success', timeout: 2_000 });
      else RED.notify(escaped(this._('common.run.refused', { name, why: outcome.text })), { type: 'error' });
    });
  },
};
