// What Node-RED's page has of the wizard: its action, and its entry in the main menu.
import type { PartFile } from '../../dialog/on-demand';
import { registerWayIn } from '../../dialog/way-in';

export function registerWizard(file: PartFile): void {
  registerWayIn({ plugin: 'zfs-wizard', part: 'wizard', action: 'zfs-flows:replicate', forReaders: true }, file);
}
