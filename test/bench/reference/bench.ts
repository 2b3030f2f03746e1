// What every part of npm run bench:reference is given.
import type { Programs } from "../../programs.ts";

/** The running programs, and how to measure. */
export interface Bench {
  /** Server and webhook are the bundles of the image. */
  readonly programs: Programs;
  /** For temporary files. */
  readonly directory: string;
  /** An additional first round of each part is not counted. */
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

/** How bare programs run. */
export const BARE_RUNTIME = { execPath: process.execPath, path: "" };
