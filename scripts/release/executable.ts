// The command line as one executable file for Linux, without the demo: Node with the bundle inside, for those who have
// no Node. (https://nodejs.org/api/single-executable-applications.html)
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildExecutableScript, EXECUTABLE_SCRIPT } from "../build-command-line.ts";
import { ARCHITECTURES, type Architecture, OWN_ARCHITECTURE } from "./images.ts";
import { runReleaseTool } from "./tools.ts";

/** Writes podrole-VERSION-linux-ARCH.gz for each architecture. `base`: what base/build.sh prints; it contains Node. */
export async function packExecutables(
  directory: string,
  { staging, base, version }: { readonly staging: string; readonly base: string; readonly version: string },
): Promise<void> {
  const folder = join(staging, "executable");
  mkdirSync(folder, { recursive: true });
  await buildExecutableScript(folder);
  for (const architecture of ARCHITECTURES) {
    const output = `podrole-${version}-linux-${architecture}`;
    const configuration = configurationOf(architecture, join(base, `node-${architecture}`), output);
    writeFileSync(join(folder, "sea.json"), JSON.stringify(configuration));
    // Paths are relative, because the executable contains that of the script. Without a fixed seed, the compiled
    // scripts of two builds differ.
    runReleaseTool(process.execPath, ["--random-seed=1", "--build-sea", "sea.json"], folder);
    runReleaseTool("gzip", ["--fast", "--no-name", output], folder);
    runReleaseTool("mv", [`${output}.gz`, directory], folder);
  }
}

function configurationOf(architecture: Architecture, executable: string, output: string): object {
  return {
    main: EXECUTABLE_SCRIPT,
    executable,
    output,
    disableExperimentalSEAWarning: true,
    // The compiled script, which only the architecture of this machine accepts; another one compiles it at each start.
    useCodeCache: architecture === OWN_ARCHITECTURE,
    // Without the flag, SIGUSR1 opens Node's inspector, which runs any code for whoever connects.
    execArgv: ["--disable-sigusr1"],
    execArgvExtension: "none",
  };
}
