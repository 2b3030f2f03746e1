// Flags of Node and V8 for the sidecar's processes: the serving process lives as long as its pod and is judged by its
// memory, a renewal lives for a fraction of a second and is judged by its CPU time.

/**
 * V8's flags that the serving process sets after its start: no compiler that makes machine code, whose memory is half of
 * what the process uses otherwise. On the command line they would make V8 reject the code cache of Node's own modules,
 * which costs each start 20 ms of CPU. (https://nodejs.org/api/v8.html#v8setflagsfromstringflags)
 */
export const SERVING_FLAGS = ["--no-opt", "--no-maglev", "--no-sparkplug", "--optimize-for-size"] as const;

/** Flags of the serving process that slow down a renewal. */
const SERVING_ONLY = /^--(max-semi-space-size|lite-mode)\b/;

/**
 * Returns Node's flags for the process of a renewal, from those of the serving process. Without --use-openssl-ca, loading
 * `node:tls` starts a thread that parses all bundled root certificates (25 ms of CPU); podrole trusts only its own bundle.
 * (https://nodejs.org/api/cli.html)
 */
export function renewalFlags(serving: readonly string[]): string[] {
  return [...serving.filter((flag) => !SERVING_ONLY.test(flag)), "--use-openssl-ca"];
}
