// Waits for something that cannot be awaited, such as a change in another process.

/** How long to wait, and how often to check, in milliseconds. */
export interface UntilOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Resolves once the condition holds; rejects after 30 s with an error that names it, by its code unless `what` is
 * given.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string = String(condition),
  { timeoutMs = 30_000, intervalMs = 5 }: UntilOptions = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not reached within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
