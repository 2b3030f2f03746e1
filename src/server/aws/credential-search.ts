// Listens to the SDK while it looks for the server's own credentials. The chain of providers ends in "could not load",
// which hides the one reason that matters (a credential_process that fails, say); each provider tells its own to a
// logger. States: empty → told (a search runs or has failed) → empty (begin(), at the next search).

/** As many as the chain has providers, twice over. */
const MOST_REASONS = 20;
const LONGEST_REASON = 300;
const REASON = /^@smithy\/property-provider (?:->|\(!\)) (.+)$/s;

export interface CredentialSearch {
  /** For the SDK. */
  readonly logger: Readonly<Record<"trace" | "debug" | "info" | "warn" | "error", (...words: unknown[]) => void>>;
  begin(): void;
  /** Why each provider had none, in the order in which they were asked. For the server's log, not for pods. */
  reasons(): readonly string[];
}

export function createCredentialSearch(): CredentialSearch {
  let reasons: string[] = [];
  function hear(...[words]: unknown[]): void {
    const [, reason] = REASON.exec(String(words)) ?? [];
    if (reason === undefined || reasons.includes(reason) || reasons.length >= MOST_REASONS) return;
    reasons.push(reason.slice(0, LONGEST_REASON));
  }
  const ignore = () => {};
  return {
    logger: { trace: ignore, debug: hear, info: ignore, warn: ignore, error: ignore },
    begin() {
      reasons = [];
    },
    reasons: () => reasons,
  };
}
