// Commands that a person is shown, in hints: quoted for a shell, and never run by us.
import { displayCommand } from '../host/shell/quote';

/** What somebody who may do so can run to give rights (zfs-allow(8)). */
export const allowCommand = (user: string, rights: readonly string[], dataset: string): string =>
  displayCommand(['zfs', 'allow', user, rights.join(','), dataset]);

export const unmountCommand = (dataset: string): string => displayCommand(['zfs', 'unmount', dataset]);

/** The same on the dataset alone, for somebody who makes others below it. */
export const allowHereCommand = (user: string, rights: readonly string[], dataset: string): string =>
  displayCommand(['zfs', 'allow', '-l', user, rights.join(','), dataset]);

/** What whoever makes a dataset below this one may do with it. */
export const allowCreatorCommand = (rights: readonly string[], dataset: string): string =>
  displayCommand(['zfs', 'allow', '-c', rights.join(','), dataset]);
