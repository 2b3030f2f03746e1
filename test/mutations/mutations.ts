// Deliberate breaks of the state machines. main.ts makes each of them in a copy of the sources, where a suite must
// fail; mutations.test.ts holds that each still applies.

/** One break: `find` matches once in `file`, and `replace` takes its place ("$1": its first group). */
export interface Mutation {
  /** What the broken program does wrong. */
  readonly breaks: string;
  readonly file: string;
  readonly find: RegExp;
  readonly replace: string;
  /** Test files of which at least one must fail. */
  readonly foundBy: readonly string[];
}

/** All breaks. */
export const MUTATIONS: readonly Mutation[] = [
  {
    breaks: "what is due waits for the wall clock alone, so that a clock set back prolongs every deadline",
    file: "src/runtime/due.ts",
    find: /return Math\.min\(wallMs - clock\.now\(\), elapsedMs - clock\.elapsedMs\(\)\);/,
    replace: "return wallMs - clock.now() + 0 * elapsedMs;",
    foundBy: ["test/runtime/due.test.ts", "test/server/aws/failure-memory.test.ts"],
  },
  {
    breaks: "a task that throws once never runs again",
    file: "src/runtime/due.ts",
    find: /next \?\?= dueAfter\(clock, \w+\);/,
    replace: "",
    foundBy: ["test/runtime/due.test.ts"],
  },
  {
    breaks: "the server hands out sessions that expire on their way",
    file: "src/server/aws/credential-cache.ts",
    find: /if \(cached && remainingMs\(cached\) > \w+\) return/,
    replace: "if (cached) return",
    foundBy: ["test/server/aws/credential-cache.test.ts"],
  },
  {
    breaks: "requests of one pod for a session that arrive at the same time do not share its turn in the queue",
    file: "src/server/aws/credential-cache.ts",
    find: /entry\.inFlight\.set\(pod\.circumstances, request\);/,
    replace: "",
    foundBy: ["test/server/aws/credential-cache.test.ts"],
  },
  {
    breaks: "a corrected role is denied on until the memory of the denial ends",
    file: "src/server/aws/failure-memory.ts",
    find: /if \(refused && knows && isCurrent\(refused\)\) return repeated\(refused\);/,
    replace: "if (refused && isCurrent(refused)) return repeated(refused);",
    foundBy: ["test/server/aws/failure-memory.test.ts", "test/server/aws/credential-cache.test.ts"],
  },
  {
    breaks: "calls that are throttled at the same time prolong the pause of the account",
    file: "src/server/aws/sts-limiter.ts",
    find: /if \(pauses !== account\.pauses\) return;/,
    replace: "",
    foundBy: ["test/server/aws/sts-limiter.test.ts"],
  },
  {
    breaks: "the next CA signs before every pod has received it",
    file: "src/pki/authorities.ts",
    find: /if \(now < publishedAt\) \{/,
    replace: "if (now < publishedAt - 1e10) {",
    foundBy: ["test/pki/authorities.test.ts", "test/pki/rotation.test.ts"],
  },
  {
    breaks: "the previous CA leaves the bundle while certificates that it signed are valid",
    file: "src/pki/authorities.ts",
    find: /return Math\.min\(since \+ (\w+) \+ longestLeafMs\(previous, options\), notAfterOf\(certificatePem\)\);/,
    replace: "return Math.min(since + $1 + 0 * longestLeafMs(previous, options), notAfterOf(certificatePem));",
    foundBy: ["test/pki/authorities.test.ts", "test/pki/rotation.test.ts"],
  },
  {
    breaks: "a server whose clock was ahead shows pods a certificate that is not yet valid, for half of its lifetime",
    file: "src/server/trust/serving-certificate.ts",
    find: /if \(isDue\(clock, renewal\) \|\| \(isNotYetValid\(\) && !hasFailed\)\) renew\(\);/,
    replace: "if (isDue(clock, renewal) || (isNotYetValid() && hasFailed)) renew();",
    foundBy: ["test/server/trust/serving-certificate.test.ts"],
  },
  {
    breaks: "renewals of a long outage take no tokens, so that each pod makes more than 120 an hour",
    file: "src/sidecar/renewal/pace.ts",
    find: /if \(outage !== undefined && !isFree\(\)\)\s+outage =/,
    replace: "if (outage !== undefined && isFree()) outage =",
    foundBy: ["test/sidecar/renewal/pace.test.ts"],
  },
  {
    breaks: "a sidecar keeps its certificate although the server rejects it, because its CA was retired",
    file: "src/sidecar/renewal/renew.ts",
    find: /return error\.code === "CERTIFICATE_REJECTED" \|\| \(error instanceof UnreachableError && error\.wasDropped\);/,
    replace: "return error instanceof UnreachableError && !error.wasDropped;",
    foundBy: ["test/sidecar/renewal/renew.test.ts"],
  },
  {
    breaks: "a pod keeps its credentials although the server has withdrawn its right to them",
    file: "src/sidecar/grants.ts",
    find: /const kept = ERRORS\[refusal\.code\]\.keep && isValid/,
    replace: "const kept = isValid",
    foundBy: ["test/sidecar/grants.test.ts", "test/sidecar/renewal/renew.test.ts"],
  },
  {
    breaks: "a sidecar whose clock was set back returns expired credentials",
    file: "src/sidecar/credential-store.ts",
    find: /const now = \(\) => readAt\.wallMs \+ passedMs\(clock, readAt\);/,
    replace: "const now = () => clock.now() + 0 * passedMs(clock, readAt);",
    foundBy: ["test/sidecar/credential-store.test.ts"],
  },
  {
    breaks: "a failed renewal makes expired credentials valid again after the clock was set back",
    file: "src/sidecar/credential-store.ts",
    find: /if \(!used \|\| !isSameAnswer\(/,
    replace: "if (!used || isSameAnswer(",
    foundBy: ["test/sidecar/credential-store.test.ts"],
  },
  {
    breaks: "renewals that return the same credentials follow each other ever faster",
    file: "src/sidecar/grants.ts",
    find: /Math\.min\(lifetimeMs \/ 60, SAME_CREDENTIALS_WAIT_MS\)/,
    replace: "0 * SAME_CREDENTIALS_WAIT_MS",
    foundBy: ["test/sidecar/grants.test.ts"],
  },
  {
    breaks: "every second renewal gets the credentials that the pod already has",
    file: "src/server/aws/credential-cache.ts",
    find: /const AGEING_FROM = 0\.44;/,
    replace: "const AGEING_FROM = 0.5;",
    foundBy: ["test/server/aws/credential-cache.test.ts"],
  },
  {
    breaks: "calls fail in the last minutes of the server's own credentials while their source hangs",
    file: "src/server/aws/held-credentials.ts",
    find: /expiration\.getTime\(\) - clock\.now\(\) <= OWN_EXPIRY_MARGIN_MS/,
    replace: "expiration.getTime() - clock.now() <= 300_000 + 0 * OWN_EXPIRY_MARGIN_MS",
    foundBy: ["test/server/aws/held-credentials.test.ts"],
  },
  {
    breaks: "a sidecar that stood still resets connections whose requests have arrived",
    file: "src/sidecar/http/servers.ts",
    find: /headersTimeout: 0, requestTimeout: 0,/,
    replace: "headersTimeout: 5 * sweepMs, requestTimeout: 5 * sweepMs, connectionsCheckingInterval: sweepMs,",
    foundBy: ["test/sidecar/http/budget.test.ts"],
  },
  {
    breaks: "a watch whose version the API server no longer has is repeated for ever",
    file: "src/kubernetes/reflector.ts",
    find: /if \(isGone\(error\) \|\| failures % RELIST_AFTER_FAILURES === 0\) version = undefined;/,
    replace: "",
    foundBy: ["test/kubernetes/reflector.test.ts", "test/kubernetes/reflector-source.test.ts"],
  },
  {
    breaks: "the webhook adopts a published bundle that the server does not confirm",
    file: "src/webhook/requested-certificate.ts",
    find: /if \(isCurrent\) trust\.adopt\(published\);/,
    replace: "if (isCurrent || true) trust.adopt(published);",
    foundBy: ["test/webhook/requested-certificate.test.ts"],
  },
  {
    breaks: "one namespace with many calls takes the turns of the others",
    file: "src/server/turns/fair-queue.ts",
    find: /if \(line\.size > 0\) moveToEnd\(lines, namespace, line\);/,
    replace: "",
    foundBy: ["test/server/turns/fair-queue.test.ts", "test/server/aws/starvation.test.ts"],
  },
];
