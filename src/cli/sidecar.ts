import { runSidecar } from "../sidecar/program.ts";
import type { Action } from "./terminal.ts";

/** The sidecar's own command line, for those who run it from the full podrole; its image has it alone. */
export const sidecar: Action = (terminal, _flags, words) => runSidecar(terminal, words);
