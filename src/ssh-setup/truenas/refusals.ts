// What a TrueNAS refuses, as the one error type of the engine, and in words that say what to do about it (API_ERROR).
import { ZfsFlowError } from '../../base/errors';
import type { Refusal } from './wire';

/** In `details` of every API_ERROR. */
export interface ApiErrorDetails {
  [key: string]: unknown;
  method: string;
  errname: string;
  /** What is wrong with which parameter. */
  fields?: { field: string; message: string }[];
}

const HINTS: readonly [RegExp, string][] = [
  [
    /Not authorized|lacks privilege/i,
    'This login may not do that. Take a full administrator, or give it the roles ACCOUNT_WRITE, SERVICE_WRITE and SSH_READ.',
  ],
  [/Rate Limit/i, 'Too many attempts: wait a minute.'],
  [
    /home directory/i,
    'Take another user for SSH, or give this one a home directory on a dataset (Credentials › Users › Edit).',
  ],
  [/too many|concurrent calls/i, 'The TrueNAS is busy with other calls. Try again.'],
];

/** `reason` has no secret in it: the caller has seen to that. */
export function apiError(method: string, { errname, reason, fields }: Refusal): ZfsFlowError {
  const hint =
    errname === 'ENOMETHOD'
      ? 'This version of TrueNAS does not have it: is it older than CORE 13, or newer than 26?'
      : HINTS.find(([pattern]) => pattern.test(reason))?.[1];
  const details: ApiErrorDetails = { method, errname, ...(fields.length === 0 ? {} : { fields }) };
  return new ZfsFlowError('API_ERROR', `TrueNAS refused ${method}: ${reason || errname || 'no reason given'}`, {
    details,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Of an API_ERROR; undefined for any other error. */
export function apiDetails(error: unknown): ApiErrorDetails | undefined {
  return error instanceof ZfsFlowError && error.code === 'API_ERROR' ? (error.details as ApiErrorDetails) : undefined;
}

export function isUnknownMethod(error: unknown): boolean {
  return apiDetails(error)?.errname === 'ENOMETHOD';
}
