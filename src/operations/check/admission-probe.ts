// One call of the webhook for real: a dry run of a pod that podrole must refuse, whatever its namespace permits. Nothing
// is stored. The answer tells apart "the webhook said no" from "the API server let it pass" and "it could not ask".
import { ApiError } from "../../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { ANNOTATIONS } from "../../policy/annotations.ts";
import type { AdmissionAnswer } from "./facts.ts";

/** A mode that does not exist: ANNOTATION_INVALID. */
const POD = {
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

/** Throws ApiError when the question itself is not allowed. */
export async function probeAdmission(
  kubernetes: Pick<OperatorKubernetes, "createObject">,
  namespace: string,
): Promise<AdmissionAnswer> {
  try {
    await kubernetes.createObject("pods", POD, { namespace, dryRun: true });
    return { answer: "let through", namespace };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === "ANNOTATION_INVALID") return { answer: "refused by podrole", namespace };
    const [said] = /failed calling webhook.*(?=\)$)/s.exec(error.message) ?? [];
    if (said !== undefined) return { answer: "not reached", namespace, said };
    throw error;
  }
}
