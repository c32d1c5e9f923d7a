// Runtime half of the wizard that sets up a replication: its endpoints, which are there too where every one of our node types
// is disabled. The browser half is `editor.ts`.
import { registerEndpoints } from '../admin/endpoints';
import type { Red } from '../runtime/red';

export = (RED: Red): void => registerEndpoints(RED);
