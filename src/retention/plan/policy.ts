// The words of a retention policy: keep rules as plain data. What they mean is `plan.ts`.

export type LifetimeUnit = 'hour' | 'day' | 'week' | 'month' | 'year';
export type BucketPeriod = 'hour' | 'day' | 'week' | 'month' | 'year';

export type KeepRule =
  | { type: 'last'; count: number }
  | { type: 'age'; value: number; unit: LifetimeUnit }
  | { type: 'every'; period: BucketPeriod; count: number }
  | { type: 'schedule'; cron: string; value: number; unit: LifetimeUnit; begin?: string; end?: string }
  | { type: 'regex'; pattern: string }
  | { type: 'source'; connection: string; dataset: string; recursive?: boolean; exclude?: readonly string[] };

/** Union of keep rules: any rule keeps. No rule keeps everything. */
export interface RetentionPolicy {
  keep: readonly KeepRule[];
}

/** What can ever be deleted. An empty scope deletes nothing unless `all`. */
export interface RetentionScope {
  namingSchemas: readonly string[];
  nameRegex: string;
  all?: boolean;
}
