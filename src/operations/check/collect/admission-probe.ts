// Tests that the API server calls the webhook: a dry run of a pod that podrole must refuse, whatever its namespace
// permits. Nothing is stored. The result is one of: refused by the webhook, admitted without it, webhook not reachable.
import { ApiError } from "../../../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { ANNOTATIONS } from "../../../policy/annotations.ts";
import type { AdmissionAnswer } from "../facts.ts";

/** Its mode does not exist, so podrole refuses it with ANNOTATION_INVALID. */
const REFUSED_POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    generateName: "podrole-check-",
    annotations: { [ANNOTATIONS.mode]: "dry-run-of-podrole-check" },
  },
  spec: {
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "check",
        image: "podrole-check",
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
};

/**
 * Throws ApiError when the caller may not create pods in the namespace, and for every other error of the API server.
 */
export async function probeAdmission(
  kubernetes: Pick<OperatorKubernetes, "createObject">,
  namespace: string,
): Promise<AdmissionAnswer> {
  try {
    await kubernetes.createObject("pods", REFUSED_POD, { namespace, dryRun: true });
    return { answer: "admitted", namespace };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === "ANNOTATION_INVALID") return { answer: "refused by podrole", namespace };
    const [message] = /failed calling webhook.*(?=\)$)/s.exec(error.message) ?? [];
    if (message !== undefined) return { answer: "not reached", namespace, message };
    throw error;
  }
}
