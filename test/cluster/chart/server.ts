// podrole's real server beside a control plane without nodes: a process on this host with the ServiceAccount, and so
// the RBAC, of the manifests. It creates the CA and maintains caBundle; STS is emulated.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { startSts } from "../../../emulators/cluster.ts";
import { startProgram } from "../../../emulators/start-program.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import type { Kubectl } from "../kubectl.ts";

const ENTRY = join(import.meta.dirname, "../../../src/cli/main.ts");
const [REGION, ACCOUNT] = ["eu-central-1", "123456789012"];

/** Resolves with a function that stops the server. */
export async function startLocalServer(kubectl: Kubectl, kubeconfig: string): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "podrole-lifecycle-"));
  const { sts, serverEnv } = await startSts({ clock }, { region: REGION, accountId: ACCOUNT, roles: [] });
  const token = (await kubectl.ok(["-n", "podrole", "create", "token", "podrole-server", "--duration=1h"])).trim();
  const config = parse(await readFile(kubeconfig, "utf8")) as { users: { name: string }[] };
  const own = { ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) };
  await writeFile(join(directory, "kubeconfig"), stringify(own), { mode: 0o600 });
  const flags = [
    ...["--kubeconfig", join(directory, "kubeconfig"), "--role-base-arn-autodetect"],
    ...["--bind", "127.0.0.1:0", "--identity-bind", "127.0.0.1:0"],
    ...["--pages-bind", "127.0.0.1:0", "--state-bind", "127.0.0.1:0"],
    ...["--region", REGION, "--sts-endpoint", sts.url, "--allow-insecure-sts-endpoint"],
  ];
  const runtime = { execPath: process.execPath, path: process.env["PATH"] ?? "" };
  const program = await startProgram(runtime, "server", [ENTRY, "server", ...flags], serverEnv);
  return async () => {
    await program.stop();
    await sts.close();
    await rm(directory, { recursive: true, force: true });
  };
}
