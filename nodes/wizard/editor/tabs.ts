// The tab that the new nodes go to: one of the flows, or a new one. Locked ones can be named, and say why they cannot be used.
import type { Store } from './store';
import { t } from './translate';

export const NEW_TAB = 'new';

/** The tab that is shown; a new one where that cannot take anything. */
export function currentTab(): string {
  const active = RED.workspaces.active();
  return (RED.nodes.workspace(active) ?? null) === null || RED.workspaces.isLocked(active) ? NEW_TAB : active;
}

/** A subflow is open: each instance of it would be a task of its own. */
export const isSubflowOpen = (): boolean => (RED.nodes.subflow(RED.workspaces.active()) ?? null) !== null;

/** Value and text of each choice. */
export function tabChoices(): [string, string][] {
  const choices: [string, string][] = [];
  const active = RED.workspaces.active();
  RED.nodes.eachWorkspace(({ id, label, disabled }) => {
    const key = RED.workspaces.isLocked(id)
      ? 'locked'
      : disabled === true
        ? 'disabled'
        : id === active
          ? 'current'
          : 'other';
    choices.push([id, t(`tab.${key}`, { label })]);
  });
  return [...choices, [NEW_TAB, t('tab.new')]];
}

/** Why nothing can be put there; '' where it can. */
export function tabProblem({ answers }: Store): string {
  const { tab } = answers;
  if (tab === NEW_TAB) return '';
  const workspace = RED.nodes.workspace(tab) ?? null;
  if (workspace === null)
    return t((RED.nodes.subflow(tab) ?? null) === null ? 'common.place.noTab' : 'common.place.subflow');
  return RED.workspaces.isLocked(tab) ? t('common.place.locked', { tab: workspace.label }) : '';
}

/** What is good to know of the tab, beside that. */
export function tabHint({ answers }: Store): string {
  const { tab } = answers;
  if (tab === NEW_TAB) return t(isSubflowOpen() ? 'tab.subflowOpen' : 'tab.newHint');
  return RED.nodes.workspace(tab)?.['disabled'] === true ? t('tab.disabledHint') : '';
}
