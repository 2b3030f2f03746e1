// Colours of a terminal. Only text that is already safe for one is coloured.
import { styleText } from "node:util";

/** What a colour means. */
export type Tone = "good" | "waiting" | "bad" | "faint" | "plain";

/** Returns the text in the colour of its tone, or as it is. */
export type Paint = (text: string, tone: Tone) => string;

const STYLES = { good: "green", waiting: "yellow", bad: "red", faint: "gray" } as const;

/** Leaves every text as it is. */
export const paintNothing: Paint = (text) => text;

/** Colours text with the codes of ANSI terminals. */
export const paintAnsi: Paint = (text, tone) =>
  tone === "plain" || text === "" ? text : styleText(STYLES[tone], text, { validateStream: false });

/**
 * Chooses by the standard output and the environment: colours only for a terminal, and never if NO_COLOR is set to a
 * text that is not empty (https://no-color.org), or if the terminal has none (TERM=dumb).
 */
export function choosePaint({
  isTerminal,
  env,
}: {
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Paint {
  return isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb" ? paintAnsi : paintNothing;
}
