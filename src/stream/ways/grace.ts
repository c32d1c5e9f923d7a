// How long what belongs to a stream gets to end, the same for every way.

/** After one end has failed, the other gets this long to end by itself: end of input, broken pipe. Milliseconds. */
export const GRACE_MS = 3_000;
/** Between TERM and KILL for a process of this machine. Milliseconds. */
export const KILL_AFTER_MS = 1_500;
