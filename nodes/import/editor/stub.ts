// What Node-RED's page has of the import: its action, and its entry in the main menu.
import type { PartFile } from '../../dialog/on-demand';
import { registerWayIn } from '../../dialog/way-in';

export function registerImport(file: PartFile): void {
  registerWayIn({ plugin: 'zfs-import', part: 'import', action: 'zfs-flows:import' }, file);
}
