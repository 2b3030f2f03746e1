// The commands with which a user verifies a release, as data: docs/verify.md explains them, and release:dry runs all of
// them.
import { join } from "node:path";
import { releaseFileNames } from "./file-names.ts";
import { IMAGE_NAMES, OWN_ARCHITECTURE } from "./images.ts";
import { runBeside } from "./tools.ts";

/** Of the output of a command that is printed; an attestation is one long line. */
const MAX_LINES = 12;
const MAX_LINE_LENGTH = 160;

/** A command, and whether it has to succeed. */
export interface Verification {
  readonly command: readonly [program: string, ...args: string[]];
  readonly expected: "accepted" | "refused";
  /** Why it has to fail. */
  readonly because?: string;
}

/** Programs and folders that the commands for the contents name. */
export interface ArtefactPlaces {
  readonly version: string;
  readonly helm: string;
  /** An empty folder, into which the npm package is installed. */
  readonly scratch: string;
}

/** Returns the commands that look into the artefacts. */
export function artefactVerifications({ version, helm, scratch }: ArtefactPlaces): readonly Verification[] {
  const podrole = join(scratch, "node_modules/.bin/podrole");
  const executable = join(scratch, "podrole");
  const names = releaseFileNames(version);
  const compressed = names.executable(OWN_ARCHITECTURE);
  return [
    accepted(["sha256sum", "--check", names.checksums]),
    accepted(["sha256sum", "--check", "--ignore-missing", "--quiet", names.checksums]),
    accepted(["npm", "install", "--offline", "--silent", "--prefix", scratch, `./${names.npm}`]),
    accepted([podrole, "version"]),
    accepted(["sh", "-c", `gzip -dc ${compressed} >${executable} && chmod +x ${executable}`]),
    accepted([executable, "version"]),
    accepted([helm, "show", "chart", names.chart]),
    accepted([helm, "lint", "--quiet", names.chart]),
    ...IMAGE_NAMES.map((name) => accepted(["tar", "-xOf", names.image(name), "./index.json"])),
  ];
}

/** Runs the commands in a folder and prints each. Throws at the first one that ends otherwise than expected. */
export async function runVerifications(
  verifications: readonly Verification[],
  { cwd, print }: { readonly cwd: string; readonly print: (line: string) => void },
): Promise<void> {
  for (const { command, expected, because } of verifications) {
    const [program, ...args] = command;
    const shown = command.map((part) => part.replace(`${cwd}/`, "")).join(" ");
    print(`$ ${shown}`);
    const { code, output } = await runBeside(program, args, { cwd });
    if ((code === 0) !== (expected === "accepted")) {
      throw new Error(
        `Cannot verify the release: ${shown} exited with ${code}; expected it to be ${expected}: ${output}`,
      );
    }
    const lines = output.split("\n").filter((line) => line !== "");
    if (expected === "refused") print(`refused, as it has to be, because ${because}: ${lines.at(-1) ?? ""}`);
    else for (const line of lines.slice(0, MAX_LINES)) print(line.slice(0, MAX_LINE_LENGTH));
  }
}

/** A command that has to succeed. */
export function accepted(command: Verification["command"]): Verification {
  return { command, expected: "accepted" };
}

/** A command that has to fail. */
export function refused(command: Verification["command"], because: string): Verification {
  return { command, expected: "refused", because };
}
