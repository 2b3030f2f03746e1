// Files that the demo starts as processes. In the npm package they have other names: its bundle has a module of its own
// in place of this one (scripts/build-command-line.ts).
import { fileURLToPath } from "node:url";

/** Absolute paths of the programs that the demo starts with Node. */
export interface DemoPrograms {
  /** Entry of the command line, which starts server and webhook. */
  readonly commandLine: string;
  readonly sidecar: string;
  /** The app container's program. */
  readonly app: string;
}

const pathBeside = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The programs as sources. */
export const DEMO_PROGRAMS: DemoPrograms = {
  commandLine: pathBeside("../main.ts"),
  sidecar: pathBeside("../../sidecar/main.ts"),
  app: pathBeside("./app.ts"),
};
