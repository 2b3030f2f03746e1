// Creation of pods: the API server calls the webhook as its configuration says, verifies its certificate with caBundle,
// and applies its patch; without an answer the creation fails (failurePolicy: Fail).
import { apply_patch as applyPatch } from "jsonpatch";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { readCertificates } from "../../src/pki/bundle.ts";
import { refuseChain } from "../../src/pki/chain.ts";
import type { AdmissionResponse } from "../../src/webhook/review.ts";
import { webhooksOf } from "./api-server.ts";
import { type Deployment, isRunning, type Outside } from "./programs.ts";
import { oneOf } from "./random.ts";
import { BEGINNING } from "./timeline.ts";

const TIMEOUT_MS = 5_000;

/** Creates pods through admission. */
export type CreatePod = (pod: Pod) => Promise<Pod>;

/** Rejects with why the API server did not create the pod. */
export function createAdmission({ api, timeline }: Outside, webhooks: Deployment): CreatePod {
  let reviews = 0;

  function callWebhook(pod: Pod): Promise<AdmissionResponse> {
    return new Promise((resolve, reject) => {
      const replica = oneOf(webhooks.replicas.filter(({ program, app }) => isRunning(program) && app !== undefined));
      const configuration = api.store.get("mutatingwebhookconfigurations", "podrole");
      const caBundle = configuration && webhooksOf(configuration)[0]?.caBundle;
      if (!replica?.app || caBundle === undefined) return reject(new Error("failed calling webhook"));
      const { app, program } = replica;
      const [leaf] = readCertificates(app.tls.current().certificatePem);
      const now = BEGINNING + timeline.now();
      const problem = leaf ? refuseChain(leaf.raw, readCertificates(caBundle), now) : undefined;
      if (!leaf || problem) return reject(new Error(`failed calling webhook: ${problem?.message ?? "no certificate"}`));
      reviews += 1;
      const request = {
        uid: `review-${reviews}`,
        createsPod: true,
        namespace: pod.metadata.namespace ?? "",
        user: { name: "system:serviceaccount:kube-system:replicaset-controller", groups: [] },
        dryRun: false,
        object: pod,
      };
      timeline.after(TIMEOUT_MS, () => reject(new Error("failed calling webhook: it did not answer in time")));
      program.post(2, () => void app.admit(request).then(({ response }) => timeline.after(1, () => resolve(response))));
    });
  }

  return async (pod) => {
    if (!api.isWell()) throw new Error("the API server does not answer");
    const { allowed, patch = "[]", status } = await callWebhook(pod);
    if (!allowed) throw new Error(status?.message ?? "denied");
    const admitted: Pod = applyPatch(pod, patch);
    if (!api.isWell()) throw new Error("the API server does not answer");
    return api.store.put("pods", admitted) as unknown as Pod;
  };
}
