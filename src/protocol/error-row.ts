// The columns of the error table (error-table.ts).

/** Who can remove the cause of an error, in the words of the docs. */
export const ACTORS = {
  author: "workload's author",
  platform: "platform team",
  account: "owner of the AWS account",
} as const;

/** A key of ACTORS. */
export type Actor = keyof typeof ACTORS;

/**
 * A row of the error table.
 * `http`: status at the sidecar's endpoint; SDKs retry 503 and fail on 4xx (never 404 or 429 for a retryable error).
 * `grpc`: status between sidecar and server. `retry`: whether a retry may succeed without any change by an operator.
 * `keep`: whether credentials that were issued earlier are still returned until they expire.
 * `actors`: who can remove the cause, in the order in which they act or are likely to; empty if nothing has to be done.
 * `summary`: one sentence for docs/errors.md; `remedy`: what an operator does about the error.
 */
export interface ErrorRow {
  readonly http: 400 | 401 | 403 | 404 | 405 | 500 | 503;
  readonly grpc: "INVALID_ARGUMENT" | "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE" | "INTERNAL";
  readonly retry: boolean;
  readonly keep: boolean;
  readonly actors: readonly Actor[];
  readonly summary: string;
  readonly remedy: string;
}
