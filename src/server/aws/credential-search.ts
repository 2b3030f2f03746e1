// Collects the reasons that the SDK's credential providers log while it searches for the server's own credentials. The
// chain itself ends in "could not load", which hides the one reason that matters, such as a failing credential_process.
// States: empty → collecting (while a search runs, and after it has failed) → empty (search(), at the next search).
// Every call that waits for a search shares it: the SDK runs one search at a time, so no call clears what another one
// needs.

/** Twice the number of providers in the chain. */
const MAX_REASONS = 20;
const MAX_REASON_LENGTH = 300;
const REASON_LINE = /^@smithy\/property-provider (?:->|\(!\)) (.+)$/s;

export interface CredentialSearch {
  /** Logger to hand to the SDK. */
  readonly logger: Readonly<Record<"trace" | "debug" | "info" | "warn" | "error", (...args: unknown[]) => void>>;
  /** Forgets the reasons of the search before, and runs the chain. */
  readonly search: <Found>(chain: () => Promise<Found>) => Promise<Found>;
  /** Why each provider of the latest search had no credentials, in their order. For the server's log, not for pods. */
  readonly reasons: () => readonly string[];
}

/** Creates an empty collector. */
export function createCredentialSearch(): CredentialSearch {
  let reasons: string[] = [];
  function collect(...[text]: unknown[]): void {
    const [, reason] = REASON_LINE.exec(String(text)) ?? [];
    if (reason === undefined || reasons.includes(reason) || reasons.length >= MAX_REASONS) return;
    reasons.push(reason.slice(0, MAX_REASON_LENGTH));
  }
  const ignore = () => {};
  return {
    logger: { trace: ignore, debug: collect, info: ignore, warn: ignore, error: ignore },
    search(chain) {
      reasons = [];
      return chain();
    },
    reasons: () => reasons,
  };
}
