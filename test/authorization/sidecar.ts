// The sidecar of a pod of the authorization matrix, in this process, with the environment that the webhook gave it and
// the directories that a kubelet would mount.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../emulators/until.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { startServing } from "../../src/sidecar/serve.ts";
import { SIDECAR_SETTINGS, VARIABLES_FOR_OTHERS } from "../../src/sidecar/settings.ts";
import { createKeptLog } from "../fakes/log.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import type { TestScope } from "../temporary-files.ts";
import type { MatrixPod } from "./pods.ts";

/** Starts the sidecar and waits until it has credentials; `context` stops it. */
export async function startSidecar(context: TestScope, { name, pod, token }: MatrixPod, parent: string) {
  const directory = join(parent, name);
  const [proof, identity, tokens] = ["proof", "identity", "tokens"].map((part) => join(directory, part)) as [
    string,
    string,
    string,
  ];
  for (const path of [identity, tokens]) await mkdir(path, { recursive: true });
  await writeFile(proof, token, { mode: 0o600 });
  const container = pod.spec.initContainers?.find((one) => one.name === "podrole-sidecar");
  const env = Object.fromEntries((container?.env ?? []).map(({ name, value = "" }) => [name, value]));
  const own = {
    PODROLE_POD_NAME: name,
    PODROLE_POD_NAMESPACE: pod.metadata.namespace,
    PODROLE_PROOF_FILE: proof,
    PODROLE_IDENTITY_DIRECTORY: identity,
    PODROLE_TOKENS_DIRECTORY: tokens,
    PODROLE_TERMINATION_MESSAGE_FILE: join(directory, "message"),
  };
  const read = readSettings(SIDECAR_SETTINGS, { port: "0", healthPort: "0" }, { ...env, ...own }, VARIABLES_FOR_OTHERS);
  if (!read.ok) throw new RangeError(read.problems.join("; "));
  const { log, lines } = createKeptLog();
  const tokenOf = (container: string) => readFile(join(tokens, container, "token"), "utf8");
  // An earlier start, whose tokens the next one replaces.
  const first = await startServing({ clock: systemClock, log, write() {}, env: {} }, read.value);
  const earlierTokens = new Map<string, string>();
  for (const one of read.value.containers) earlierTokens.set(one, await tokenOf(one));
  await first.stop("restart");
  const serving = await startServing({ clock: systemClock, log, write() {}, env: {} }, read.value);
  context.after(() => serving.stop("end of test"));
  let ready = false;
  const poll = setInterval(() => {
    sendRequest(serving.healthPort, { path: "/readyz" }).then(
      ({ status }) => {
        ready = status === 200;
      },
      () => {},
    );
  }, 20);
  await until(() => ready, `the sidecar of pod ${name} is ready: ${JSON.stringify(lines.at(-1))}`);
  clearInterval(poll);
  return {
    port: serving.port,
    healthPort: serving.healthPort,
    lines,
    token: tokenOf,
    earlierToken: (container: string) => earlierTokens.get(container) ?? "",
  };
}
