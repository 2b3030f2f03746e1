// podrole-sidecar in a simulated pod: its composition root with the environment that the webhook has put into the pod,
// and what the kubelet does at its start: the postStart hook, or the startup probe.
import type { EnvVar } from "../../src/kubernetes/objects.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { runServe } from "../../src/sidecar/serve.ts";
import { SIDECAR_SETTINGS, type SidecarSettings, VARIABLES_FOR_OTHERS } from "../../src/sidecar/settings.ts";
import { runWait } from "../../src/sidecar/wait.ts";
import { HEALTH_OFFSET, sendRequest } from "./app-requests.ts";
import type { PodPlan } from "./pod-plan.ts";
import { createQuietLog, type Outside } from "./programs.ts";
import { currentWorld } from "./surroundings.ts";
import { BEGINNING, type Program } from "./timeline.ts";
import { issueToken, TOKEN_LIFETIME_MS } from "./tokens.ts";

const HOOK_TIMEOUT_MS = 30_000;
const PROBE_EACH_MS = 1_000;

/** What happens to the container. */
export interface SidecarEvents {
  /** It ended by itself, or must be restarted because its hook failed. */
  readonly onEnd: () => void;
  /** The kubelet may start the app. */
  readonly onReady: () => void;
}

/** Starts the container; `stop` ends it as SIGTERM does. */
export function startServeFor(
  outside: Outside,
  plan: PodPlan,
  program: Program,
  { onEnd, onReady }: SidecarEvents,
): { readonly stop: () => void } {
  const { timeline, network, onError } = outside;
  const { uid } = plan.owner;
  const settings = settingsOf(plan);
  const ending = new AbortController();
  const log = createQuietLog(program.name, onError);
  currentWorld().hosts.set(uid, {
    call: (port, endpoint, identity, request, deadlineMs) =>
      network.call(program, port, endpoint, identity, request, deadlineMs),
    canConnect: (timeoutMs) => network.canConnect(program, timeoutMs),
    kubernetes: unreachable,
    sts: unreachable,
    onListen: unreachable,
    onPages: unreachable,
    onWebhook: unreachable,
  });
  provideToken(outside, plan);

  program.post(200, () => {
    const deps = { clock: program.clock, log, write: () => {}, env: {}, signal: ending.signal };
    void runServe(deps, settings).then(onEnd);
  });
  if (hasHook(plan)) {
    program.post(400, () => {
      const wait = { ...settings, initTimeout: HOOK_TIMEOUT_MS };
      void runWait({ clock: program.clock, log, signal: ending.signal }, wait).then((code) => {
        if (code === 0) onReady();
        else endAfterHook();
      });
    });
  } else {
    probe();
  }

  /** The kubelet kills a container whose hook failed: SIGTERM first. */
  function endAfterHook(): void {
    ending.abort("SIGTERM");
    program.post(2_000, onEnd);
  }

  function probe(): void {
    if (!program.isAlive()) return;
    sendRequest(plan.port + HEALTH_OFFSET, "/readyz", undefined, (answer) => {
      if (answer?.status === 200) onReady();
      else timeline.after(PROBE_EACH_MS, probe);
    });
  }

  return { stop: () => ending.abort("SIGTERM") };
}

function sidecarOf({ pod }: PodPlan) {
  const found = pod.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
  if (!found) throw new Error(`Cannot start ${pod.metadata.name}: it has no podrole-sidecar; expected one`);
  return found;
}

function hasHook(plan: PodPlan): boolean {
  return sidecarOf(plan)["lifecycle"] !== undefined;
}

/** The environment of the injected container, with this pod's own host, ports and directories. */
function settingsOf(plan: PodPlan): SidecarSettings {
  const { uid, namespace, name } = plan.owner;
  const variables: readonly EnvVar[] = sidecarOf(plan).env ?? [];
  const env = Object.fromEntries(variables.map((variable) => [variable.name, variable.value ?? ""]));
  const flags = {
    podName: name,
    podNamespace: namespace,
    serverAddress: `${uid}:8444`,
    identityAddress: `${uid}:8443`,
    proofFile: `/pods/${uid}/proof/token`,
    identityDirectory: `/pods/${uid}/identity`,
    tokensDirectory: `/pods/${uid}/tokens`,
    startHook: "false",
  };
  const read = readSettings(SIDECAR_SETTINGS, flags, env, VARIABLES_FOR_OTHERS);
  if (!read.ok) throw new Error(`Cannot start ${name}: ${read.problems.join("; ")}`);
  const { terminationMessageFile: _file, ...settings } = read.value;
  return {
    ...settings,
    terminationMessageFile: undefined,
    port: plan.port,
    healthPort: plan.port + HEALTH_OFFSET,
  };
}

/** The kubelet replaces a token after 80 % of its lifetime, if it reaches the API server. */
function provideToken({ api, timeline }: Outside, { owner }: PodPlan): void {
  let token = "";
  let issuedAt = Number.NEGATIVE_INFINITY;
  currentWorld().volumes.provide(`/pods/${owner.uid}/proof/token`, () => {
    if (timeline.now() - issuedAt > 0.8 * TOKEN_LIFETIME_MS && api.isWell()) {
      issuedAt = timeline.now();
      token = issueToken(owner, BEGINNING + issuedAt);
    }
    return token === "" ? undefined : token;
  });
}

function unreachable(): never {
  throw new Error("Cannot simulate: a sidecar has no access to this; expected none");
}
