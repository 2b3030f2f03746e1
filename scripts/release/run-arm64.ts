// Runs the programs for arm64 on this machine by emulation (qemu-user): those of the images as their entry points start
// them, the command line's help and the sidecar until it reports that it cannot reach a server, and the executable's
// version.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../../src/pki/certificate.ts";
import { runBeside } from "./tools.ts";

/** The programs for arm64. */
export interface Arm64Files {
  /** Folders with the files of the images. */
  readonly server: string;
  readonly sidecar: string;
  /** The command line as one file; it uses the shared libraries of the server's image. */
  readonly executable: string;
  /** An empty folder. */
  readonly scratch: string;
}

const QEMU = "qemu-aarch64-static";
const NODE = "usr/local/bin/node";

/** Runs the programs and prints what they printed. Throws if one does not start. */
export async function runArm64(files: Arm64Files, print: (line: string) => void): Promise<void> {
  const { server, sidecar, executable, scratch } = files;
  const help = await emulated(server, ["--disable-sigusr1", join(server, "podrole/podrole.js"), "--help"]);
  if (help.code !== 0 || !help.output.includes("Usage: podrole")) {
    throw new Error(`Cannot run the arm64 image of the server: it exited with ${help.code}: ${help.output}`);
  }
  print(`podrole --help on arm64: ${help.output.split("\n")[0]}`);

  const version = await runBeside(QEMU, ["-L", server, executable, "version"]);
  if (version.code !== 0)
    throw new Error(`Cannot run the arm64 executable: it exited with ${version.code}: ${version.output}`);
  print(`the executable on arm64: ${version.output}`);

  const flags = ["--disable-sigusr1", "--use-openssl-ca", "--max-semi-space-size=1"];
  const entry = [...flags, join(sidecar, "podrole/main.cjs"), "init"];
  const { code, output } = await emulated(sidecar, entry, sidecarEnvironment(scratch));
  if (!output.includes(UNREACHABLE)) {
    throw new Error(`Cannot run the arm64 image of the sidecar: it exited with ${code}: ${output}`);
  }
  print(`podrole-sidecar on arm64: ${output.split("\n").find((line) => line.includes(UNREACHABLE))}`);
}

/** Code of a renewal that reaches no server: the program has loaded its modules, made a key and opened a connection. */
const UNREACHABLE = "SERVER_UNREACHABLE";

/** Runs Node of an image; without binfmt_misc, so that nothing of the machine changes. */
function emulated(root: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runBeside(QEMU, ["-L", root, join(root, NODE), ...args], { env });
}

/** Settings of a pod whose server does not exist: nothing listens on port 1. */
function sidecarEnvironment(scratch: string): Readonly<Record<string, string>> {
  const now = Date.now();
  const { certificatePem } = createAuthority({ commonName: "podrole", now, lifetimeMs: 3_600_000 });
  const folder = (name: string) => {
    mkdirSync(join(scratch, name), { recursive: true });
    return join(scratch, name);
  };
  writeFileSync(join(scratch, "token"), "header.payload.signature");
  return {
    PODROLE_SERVER_ADDRESS: "127.0.0.1:1",
    PODROLE_IDENTITY_ADDRESS: "127.0.0.1:1",
    PODROLE_TRUST_BUNDLE: certificatePem,
    PODROLE_PROOF_FILE: join(scratch, "token"),
    PODROLE_IDENTITY_DIRECTORY: folder("identity"),
    PODROLE_TOKENS_DIRECTORY: folder("tokens"),
    PODROLE_CONTAINERS: "app",
    PODROLE_POD_NAME: "orders",
    PODROLE_POD_NAMESPACE: "shop",
    PODROLE_INIT_TIMEOUT: "20s",
  };
}
