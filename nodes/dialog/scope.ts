// The scope of a retention: which snapshots may be deleted at all. Schemas, a regular expression, or expressly all.
import type { RetentionScope } from '../../src/retention/plan/policy';
import type { Dialog } from './dialog';
import { textOf } from './dialog';
import { checkWhileTyping } from './rows';
import { regexProblem } from './checks';
import { schemaList } from './naming';

/** Fills `holder` with the scope's inputs. Returns how to read it. */
export function scopeEditor(dialog: Dialog, holder: JQuery, initial: RetentionScope | null): () => RetentionScope {
  const row = (label: string): JQuery => {
    const line = $('<div>', { class: 'form-row' }).appendTo(holder);
    $('<label>').text(dialog.t(label)).appendTo(line);
    return $('<div>', { class: 'zfs-control' }).appendTo(line);
  };
  const schemas = schemaList(dialog, $('<ol>').appendTo(row('common.scope.schemas')), initial?.namingSchemas ?? []);
  const regex = $('<input>', { type: 'text', class: 'zfs-mono', 'aria-label': dialog.t('common.scope.regex') })
    .val(initial?.nameRegex ?? '')
    .appendTo(row('common.scope.regex'));
  checkWhileTyping(dialog, regex, regexProblem);
  const allHolder = row('common.scope.others');
  const label = $('<label>', { class: 'zfs-check' }).appendTo(allHolder);
  const all = $('<input>', { type: 'checkbox' })
    .prop('checked', initial?.all === true)
    .appendTo(label);
  $('<span>').text(dialog.t('common.scope.all')).appendTo(label);
  return () => ({
    namingSchemas: schemas(),
    nameRegex: textOf(regex),
    ...(all.prop('checked') === true ? { all: true } : {}),
  });
}

export function isEmptyScope(scope: RetentionScope): boolean {
  return scope.all !== true && scope.namingSchemas.length === 0 && scope.nameRegex === '';
}

export function summarizeScope(dialog: Dialog, scope: RetentionScope): string {
  if (scope.all === true) return dialog.t('common.scope.allShort');
  if (isEmptyScope(scope)) return dialog.t('common.scope.emptyShort');
  return [...scope.namingSchemas, ...(scope.nameRegex === '' ? [] : [`/${scope.nameRegex}/`])].join(', ');
}
