// Servers whose clock differs from the API server's: their pods mount this machine's libfaketime from a ConfigMap. The
// images of the suite have this machine's C library.
import { LIBFAKETIME } from "../../../../scripts/command-line/scripts-table.ts";
import type { Kubectl } from "../../kubectl.ts";

const [NAME, MOUNT, LIBRARY] = ["faketime", "/faketime", "libfaketime.so"];
const IN_PODROLE = ["-n", "podrole"];
const SERVERS = ["-l", "app.kubernetes.io/name=podrole-server"];

/** Runs `act` while the clocks of all servers are ahead by this many minutes, or behind by a negative number. */
export async function withServersAhead<Result>(
  kubectl: Kubectl,
  minutes: number,
  act: () => Promise<Result>,
): Promise<Result> {
  await kubectl.ok([...IN_PODROLE, "create", "configmap", NAME, `--from-file=${LIBRARY}=${LIBFAKETIME}`]);
  const environment = {
    LD_PRELOAD: `${MOUNT}/${LIBRARY}`,
    FAKETIME: `${minutes < 0 ? "" : "+"}${minutes}m`,
    DONT_FAKE_MONOTONIC: "1",
  };
  try {
    await patchServers(kubectl, {
      volumes: [{ name: NAME, configMap: { name: NAME } }],
      volumeMounts: [{ name: NAME, mountPath: MOUNT, readOnly: true }],
      env: Object.entries(environment).map(([name, value]) => ({ name, value })),
    });
    return await act();
  } finally {
    await patchServers(kubectl, {
      volumes: [{ name: NAME, $patch: "delete" }],
      volumeMounts: [{ mountPath: MOUNT, $patch: "delete" }],
      env: Object.keys(environment).map((name) => ({ name, $patch: "delete" })),
    });
    await kubectl.ok([...IN_PODROLE, "delete", "configmap", NAME]);
  }
}

interface ServerChange {
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
  readonly env: readonly object[];
}

/** Resolves when no server without the change is left: one that ends could still answer requests. */
async function patchServers(kubectl: Kubectl, { volumes, ...container }: ServerChange): Promise<void> {
  const server = "deployment/podrole-server";
  const spec = { template: { spec: { volumes, containers: [{ name: "server", ...container }] } } };
  const before = (await kubectl.ok([...IN_PODROLE, "get", "pods", ...SERVERS, "-o", "name"])).trim().split("\n");
  await kubectl.ok([...IN_PODROLE, "patch", server, "--patch", JSON.stringify({ spec })]);
  await kubectl.ok([...IN_PODROLE, "rollout", "status", server, "--timeout=180s"]);
  await kubectl.ok([...IN_PODROLE, "wait", ...before, "--for=delete", "--timeout=60s"]);
}
