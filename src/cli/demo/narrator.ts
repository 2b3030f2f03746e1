// Output of the demo: numbered steps as text, or JSON lines.
/** Prints the steps of the demo as they happen. */
export interface Narrator {
  /** Prints a step with its facts, one line each. */
  step(title: string, facts?: readonly string[]): void;
  /** Prints what the demo now does, for a person who waits for the next step; JSON has only the steps. */
  progress(text: string): void;
}

/**
 * Creates a narrator whose first step has number 1. `now`: Unix milliseconds; steps show the time since its creation.
 */
export function createNarrator(
  { out, now }: { readonly out: (text: string) => void; readonly now: () => number },
  { json }: { readonly json: boolean },
): Narrator {
  const startedAt = now();
  let number = 0;
  return {
    progress(text) {
      if (!json) out(`    ${text} …\n`);
    },
    step(title, facts = []) {
      number += 1;
      const ms = now() - startedAt;
      if (json) return out(`${JSON.stringify({ step: number, ms, title, facts })}\n`);
      out(
        `\n${String(number).padStart(2)}. ${title}  (${(ms / 1000).toFixed(1)} s)\n${facts.map((fact) => `      ${fact}\n`).join("")}`,
      );
    },
  };
}
