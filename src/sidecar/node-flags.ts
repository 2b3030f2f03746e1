// Flags of Node and V8 for the sidecar's processes: the serving process lives as long as its pod and is judged by its
// memory, a renewal lives for a fraction of a second and is judged by its CPU time.

/**
 * V8's flags that the short-lived processes set once their modules are loaded. Node recognises an IPv6 address by a
 * regular expression, which V8 otherwise optimizes for 8 ms of CPU, and every connection needs it.
 *
 * No flag that changes how V8 compiles may be set earlier, or on the command line: V8 then rejects the code caches of
 * the bundle and of Node's own modules, which costs 12 ms in the serving process and 50 ms in a renewal.
 * (https://nodejs.org/api/v8.html#v8setflagsfromstringflags)
 */
export const SHORT_LIVED_FLAGS: readonly string[] = ["--no-regexp-optimization"];

/**
 * V8's flags that the serving process sets, likewise once its modules are loaded: no compiler that makes machine code,
 * whose memory is half of what the process uses otherwise.
 */
export const SERVING_FLAGS: readonly string[] = [
  ...SHORT_LIVED_FLAGS,
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
  "--optimize-for-size",
];

/** Flags of the serving process that slow down a renewal. */
const SERVING_ONLY = /^--(max-semi-space-size|lite-mode)\b/;

const NO_BUNDLED_ROOTS = "--use-openssl-ca";

/**
 * Returns Node's flags for the process of a renewal, from those of the serving process. Without --use-openssl-ca,
 * loading `node:tls` starts a thread that parses all bundled root certificates (25 ms of CPU); podrole trusts only its
 * own bundle. The image's entrypoint has the flag for the hook. (https://nodejs.org/api/cli.html)
 */
export function renewalFlags(serving: readonly string[]): string[] {
  return [...serving.filter((flag) => !SERVING_ONLY.test(flag) && flag !== NO_BUNDLED_ROOTS), NO_BUNDLED_ROOTS];
}
