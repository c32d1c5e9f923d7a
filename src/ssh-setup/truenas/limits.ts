// How long a TrueNAS is waited for, and how much it may say. Milliseconds and bytes.

export interface Limits {
  /** TCP, TLS and the upgrade, each. */
  connectMs: number;
  /** A TrueNAS delays the answer to a wrong password by seconds. */
  loginMs: number;
  callMs: number;
  jobMs: number;
  /** Between two looks at a job. */
  pollMs: number;
  /** Of one message. */
  maxBytes: number;
}

export const LIMITS: Limits = {
  connectMs: 10_000,
  loginMs: 30_000,
  callMs: 60_000,
  jobMs: 120_000,
  pollMs: 500,
  maxBytes: 16 << 20,
};
