// Time zone inputs: suggestions from the browser's own list of IANA names.
import type { Dialog } from './dialog';

const MAX_SUGGESTIONS = 12;

export function timeZoneInput(dialog: Dialog, property: string): void {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  dialog.input(property).autoComplete({
    search: (value) => {
      const wanted = value.trim().toLowerCase();
      if (wanted === '') return [];
      return zones
        .filter((zone) => zone.toLowerCase().includes(wanted))
        .slice(0, MAX_SUGGESTIONS)
        .map((zone) => ({ value: zone, label: zone }));
    },
  });
}
