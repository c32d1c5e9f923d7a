// Asks a TrueNAS several things in one session and changes nothing there. What is done with the answers is the caller's.
import type { ZfsFlowError } from '../../base/errors';
import { parsePin } from './certificate';
import { TrueNasClient } from './client';
import type { Limits } from './limits';
import type { TrueNasCredentials } from './login';
import { apiDetails } from './refusals';

export interface TrueNasQuestions {
  /** As a person types it. */
  url: string;
  credentials: TrueNasCredentials;
  /** SHA-256 fingerprint of the certificate that a person has confirmed; '' for none. */
  certificate: string;
  /** A person insists on a password over plain http. */
  insecure: boolean;
  /** Methods without parameters. */
  methods: readonly string[];
  limits?: Partial<Limits>;
}

export interface TrueNasAnswers {
  /** By method. */
  answers: Record<string, unknown>;
  /** Methods that were refused, with why. */
  refused: Record<string, ZfsFlowError>;
  host: string;
}

/** Throws what keeps from asking at all: as `TrueNasClient` connects and logs in. */
export async function askTrueNas(questions: TrueNasQuestions): Promise<TrueNasAnswers> {
  const { url, credentials, insecure, limits } = questions;
  const trust = { pin: parsePin(questions.certificate), authorities: undefined };
  const client = await TrueNasClient.connect({ url, secret: credentials.kind, insecure, trust, limits });
  try {
    await client.login(credentials);
    const result: TrueNasAnswers = { answers: {}, refused: {}, host: client.address.host };
    for (const method of questions.methods) {
      try {
        result.answers[method] = await client.call(method);
      } catch (error) {
        if (apiDetails(error) === undefined) throw error;
        result.refused[method] = error as ZfsFlowError;
      }
    }
    return result;
  } finally {
    await client.close();
  }
}
