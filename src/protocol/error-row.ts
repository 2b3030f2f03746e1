// The columns of the error table (error-table.ts).

/**
 * A row of the error table.
 * `http`: status at the sidecar's endpoint; SDKs retry 503 and fail on 4xx (never 404 or 429 for a retryable error).
 * `grpc`: status between sidecar and server. `retry`: whether a retry may succeed without any change by an operator.
 * `keep`: whether credentials that were issued earlier are still returned until they expire.
 * `summary`: one sentence for docs/errors.md; `remedy`: what an operator does about the error.
 */
export interface ErrorRow {
  readonly http: 400 | 401 | 403 | 404 | 405 | 500 | 503;
  readonly grpc: "INVALID_ARGUMENT" | "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE" | "INTERNAL";
  readonly retry: boolean;
  readonly keep: boolean;
  readonly summary: string;
  readonly remedy: string;
}
