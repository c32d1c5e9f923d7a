// The import of what another tool was told to do (design/face.md §7), in the editor: loaded when somebody opens it for the first
// time (`editor/stub.ts`).
import { ImportDialog } from './editor/dialog';

export function openImport(): void {
  new ImportDialog().open();
}
