// Whether a pod reaches the node's instance metadata: a pod that tries, for some seconds, where application pods run.
// States: created → finished or too late → deleted, also when the command is interrupted. It carries no role.
import { randomBytes } from "node:crypto";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { isApiUnreachable } from "../reachable.ts";

export interface MetadataProbe {
  readonly namespace: string;
  /** "unknown": the pod could not tell. */
  readonly answer: "reached" | "silent" | "unknown";
  readonly said: string;
}

export interface MetadataProbeDeps {
  readonly kubernetes: Pick<OperatorKubernetes, "createObject" | "getPod" | "readLog" | "remove">;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/** Pulling the image and starting Node take most of it. */
const PATIENCE_MS = 60_000;
const LOOK_EACH_MS = 1_000;
const METADATA = "http://169.254.169.254";

/**
 * IMDSv2's first step: any answer of HTTP means that the way is open. The hop limit holds back that answer alone, so where
 * it does, a read without a token (IMDSv1) must be refused as well. It ends by itself after 6 s.
 */
export const scriptThatTries = (endpoint: string) => `const ask = (path, method, headers) =>
  fetch(${JSON.stringify(endpoint)} + path, { method, headers, signal: AbortSignal.timeout(3000) });
const say = (text) => console.log("PODROLE-METADATA " + text);
const reasonOf = (error) => error.cause?.code ?? error.name;
ask("/latest/api/token", "PUT", { "X-aws-ec2-metadata-token-ttl-seconds": "60" }).then(
  ({ status }) => say("answered " + status),
  (error) => ask("/latest/meta-data/", "GET", {}).then(
    ({ status }) => say(status === 401 ? "silent " + reasonOf(error) : "answered " + status),
    () => say("silent " + reasonOf(error))))`;

/** Throws ApiError when the pod cannot be created, read or deleted. */
export async function probeMetadata(
  { kubernetes, clock, interrupted }: MetadataProbeDeps,
  { namespace, image }: { readonly namespace: string; readonly image: string },
): Promise<MetadataProbe> {
  const name = `podrole-check-${randomBytes(4).toString("hex")}`;
  const place = { namespace, name };
  await kubernetes.createObject<Pod>("pods", podThatTries(name, image), { namespace }).catch(async (error: unknown) => {
    // Without an answer it may have been created all the same.
    if (isApiUnreachable(error)) await kubernetes.remove("pods", place, { graceSeconds: 0 }).catch(() => false);
    throw error;
  });
  let waitsFor = "it was not looked at";
  try {
    const until = clock.now() + PATIENCE_MS;
    while (!interrupted.aborted && clock.now() < until) {
      const pod = await kubernetes.getPod(namespace, name);
      const phase = pod?.status?.phase;
      if (phase === "Succeeded" || phase === "Failed") {
        return { namespace, ...readAnswer(await kubernetes.readLog(place, "try")) };
      }
      waitsFor = pod === undefined ? "it is gone" : whyWaiting(pod);
      await sleep(clock, LOOK_EACH_MS, interrupted);
    }
    const state = interrupted.aborted ? "it was interrupted" : `it did not end within ${PATIENCE_MS / 1000} s`;
    return { namespace, answer: "unknown", said: `${state}: ${waitsFor}` };
  } finally {
    await kubernetes.remove("pods", place, { graceSeconds: 0 });
  }
}

/** What the scheduler or the kubelet says of it. */
function whyWaiting({ status = {} }: Pod): string {
  const containers = (status["containerStatuses"] ?? []) as { state?: { waiting?: { reason?: string } } }[];
  const conditions = (status["conditions"] ?? []) as { status: string; message?: string }[];
  const reason = containers.map(({ state }) => state?.waiting?.reason).find(Boolean);
  const condition = conditions.find(({ status: is, message }) => is === "False" && message)?.message;
  return [status.phase, reason ?? condition].filter(Boolean).join(", ");
}

export function readAnswer(log: string): Pick<MetadataProbe, "answer" | "said"> {
  const [, answer, said] = /^PODROLE-METADATA (answered|silent) (\S+)$/m.exec(log) ?? [];
  if (answer === undefined || said === undefined) {
    return { answer: "unknown", said: `its log has no answer: ${log.trim().slice(0, 200)}` };
  }
  return answer === "answered" ? { answer: "reached", said: `HTTP ${said}` } : { answer: "silent", said };
}

/** Passes PodSecurity `restricted`. */
function podThatTries(name: string, image: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: { "app.kubernetes.io/name": "podrole-check" },
      annotations: { "podrole.io/inject": "disabled" },
    },
    spec: {
      restartPolicy: "Never",
      activeDeadlineSeconds: PATIENCE_MS / 1000,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "try",
          image,
          command: ["node", "-e", scriptThatTries(METADATA)],
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: true,
          },
          resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } },
        },
      ],
    },
  };
}
