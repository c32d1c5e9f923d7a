// Runtime half of the sidebar tab: its endpoints, which are there too where every one of our node types is disabled. What it
// asks is answered by nodes/admin; the browser half is `editor.ts`.
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';

export = (RED: Red): void => registerEndpoints(RED);
