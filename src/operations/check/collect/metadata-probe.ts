// Tests whether pods can reach the node's instance metadata: creates a pod that tries for some seconds. It has no role.
// States of the pod: created → finished or timed out → deleted, which happens on interruption too.
import { randomBytes } from "node:crypto";
import { isApiUnreachable } from "../../../kubernetes/errors.ts";
import { hasFinished, type Pod } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";

/** Whether a pod of this namespace reached the instance metadata service. */
export interface MetadataProbe {
  readonly namespace: string;
  /** "unknown": the pod did not report a result. */
  readonly answer: "reached" | "silent" | "unknown";
  /** The HTTP status, the error, or why there is no result. */
  readonly detail: string;
}

/** What the probe talks to, and what ends it early. */
export interface MetadataProbeDeps {
  readonly kubernetes: Pick<OperatorKubernetes, "createObject" | "getPod" | "readLog" | "remove">;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/** Most of it is for pulling the image and starting Node. */
const TIMEOUT_MS = 60_000;
const PROBE_POLL_INTERVAL_MS = 1_000;
const METADATA_URL = "http://169.254.169.254";

/**
 * The program of the pod. It requests an IMDSv2 token: any HTTP response means that the service is reachable. The hop
 * limit suppresses only this response, so if there is none, a read without a token (IMDSv1) must be refused too. Ends
 * within 6 s.
 */
export const probeScript = (endpoint: string) => `const request = (path, method, headers) =>
  fetch(${JSON.stringify(endpoint)} + path, { method, headers, signal: AbortSignal.timeout(3000) });
const report = (text) => console.log("PODROLE-METADATA " + text);
const reasonOf = (error) => error.cause?.code ?? error.name;
request("/latest/api/token", "PUT", { "X-aws-ec2-metadata-token-ttl-seconds": "60" }).then(
  ({ status }) => report("answered " + status),
  (error) => request("/latest/meta-data/", "GET", {}).then(
    ({ status }) => report(status === 401 ? "silent " + reasonOf(error) : "answered " + status),
    () => report("silent " + reasonOf(error))))`;

/** Throws ApiError when the pod cannot be created, read or deleted. */
export async function probeMetadata(
  { kubernetes, clock, interrupted }: MetadataProbeDeps,
  { namespace, image }: { readonly namespace: string; readonly image: string },
): Promise<MetadataProbe> {
  const name = `podrole-check-${randomBytes(4).toString("hex")}`;
  const place = { namespace, name };
  await kubernetes.createObject<Pod>("pods", probePod(name, image), { namespace }).catch(async (error: unknown) => {
    // The pod may have been created even if the response was lost.
    if (isApiUnreachable(error)) await kubernetes.remove("pods", place, { graceSeconds: 0 }).catch(() => false);
    throw error;
  });
  let state = "its state was not read";
  try {
    const until = clock.now() + TIMEOUT_MS;
    while (!interrupted.aborted && clock.now() < until) {
      const pod = await kubernetes.getPod(namespace, name);
      if (pod !== undefined && hasFinished(pod)) {
        return { namespace, ...readAnswer(await kubernetes.readLog(place, "try")) };
      }
      state = pod === undefined ? "it no longer exists" : describePodState(pod);
      await sleep(clock, PROBE_POLL_INTERVAL_MS, interrupted);
    }
    const end = interrupted.aborted ? "it was interrupted" : `it did not end within ${TIMEOUT_MS / 1000} s`;
    return { namespace, answer: "unknown", detail: `${end}: ${state}` };
  } finally {
    await kubernetes.remove("pods", place, { graceSeconds: 0 });
  }
}

/** Phase and reason, as the scheduler or the kubelet reports them. */
function describePodState({ status = {} }: Pod): string {
  const containers = (status["containerStatuses"] ?? []) as { state?: { waiting?: { reason?: string } } }[];
  const conditions = (status["conditions"] ?? []) as { status: string; message?: string }[];
  const reason = containers.map(({ state }) => state?.waiting?.reason).find(Boolean);
  const condition = conditions.find(({ status: is, message }) => is === "False" && message)?.message;
  return [status.phase, reason ?? condition].filter(Boolean).join(", ");
}

/** Reads the result from the log of the pod. */
export function readAnswer(log: string): Pick<MetadataProbe, "answer" | "detail"> {
  const [, answer, detail] = /^PODROLE-METADATA (answered|silent) (\S+)$/m.exec(log) ?? [];
  if (answer === undefined || detail === undefined) {
    return { answer: "unknown", detail: `its log has no result: ${log.trim().slice(0, 200)}` };
  }
  return answer === "answered" ? { answer: "reached", detail: `HTTP ${detail}` } : { answer: "silent", detail };
}

/** Conforms to the Pod Security Standard `restricted`. */
function probePod(name: string, image: string): object {
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
      activeDeadlineSeconds: TIMEOUT_MS / 1000,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "try",
          image,
          command: ["node", "-e", probeScript(METADATA_URL)],
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
