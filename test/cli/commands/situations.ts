// Situations in which operators ask what is wrong: how a healthy installation comes into each of them, and what the
// commands say then.
import assert from "node:assert/strict";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { barePod, CA, OTHER_CA, ownConfiguration } from "../../operations/check/healthy.ts";
import { podWith } from "../../operations/status/pods.ts";
import type { SituationAnswer } from "./situation-answers.ts";
import {
  caBundleOf,
  labelledAgo,
  programPod,
  type SituationCluster,
  timeAgo,
  trustOf,
  trustSlot,
} from "./situation-cluster.ts";
import {
  createAgedPod,
  denialOfSts,
  endedWith,
  failToCreate,
  holds,
  PERMITTED,
  podTrusting,
  QUOTA_MESSAGE,
  readySidecar,
  reannotatedPod,
  recordRefusal,
  refusalAtAdmission,
  UNPULLED,
  unreachable,
  untrusted,
} from "./situation-parts.ts";

/** One situation. */
export interface Situation {
  readonly name: string;
  readonly object: string;
  /** Changes a healthy installation. */
  readonly prepare: (cluster: SituationCluster) => void;
  readonly answer: SituationAnswer;
  /** What a command must say besides. */
  readonly says?: { readonly [Command in "explain" | "check" | "status" | "refusals" | "trust"]?: readonly RegExp[] };
}

const PRINCIPAL = "arn:aws:iam::123456789012:role/podrole-server";
const TRUST_STEPS = [
  /^next: aws iam get-role --role-name shop-orders --query Role\.AssumeRolePolicyDocument --output json > trust\.json {2}#/,
  new RegExp(
    `^next: jq '\\.Statement \\|= \\(\\[\\.\\] \\| flatten\\) \\+ \\[\\{"Effect":"Allow","Principal":\\{"AWS":"${PRINCIPAL}"\\},"Action":"sts:AssumeRole"\\}\\]' trust\\.json > new-trust\\.json {2}# adds the statement$`,
  ),
  /^next: aws iam update-assume-role-policy --role-name shop-orders --policy-document file:\/\/new-trust\.json$/,
];
const RECREATE = (name: string) =>
  new RegExp(`^next: kubectl -n shop get pod/${name} -o yaml \\| kubectl -n shop replace --force -f -$`);
const CREATE_AGAIN = /^remedy: Create the pod again: podrole injects pods only when they are created\.$/;
const NEW_POD = /^recovery: needs a new pod$/;
const RESTARTED_SIDECAR =
  /^recovery: by itself: the kubelet starts podrole-sidecar again, after waits of at most 5 min$/;
const TRIED_AGAIN = /^recovery: by itself: the controller tries again, after waits of at most 17 min$/;

/** The situations, each with what the commands say in it. */
export const SITUATIONS: readonly Situation[] = [
  {
    name: "a role with a typing error, which the namespace does not permit",
    object: "deployment/orders",
    prepare(cluster) {
      const { store } = cluster;
      const { metadata } = store.get("namespaces", undefined, "shop") ?? assert.fail();
      store.replace("namespaces", { metadata: { ...metadata, annotations: PERMITTED.annotations } });
      failToCreate(cluster, "shop-oders", refusalAtAdmission());
    },
    answer: {
      cause:
        /podrole refuses them: ROLE_FORBIDDEN: .*role\/shop-oders to .* permits "\S+shop-orders" .* does not match$/,
      remedy: /Correct the role's name in iam\.amazonaws\.com\/role: did you mean shop-orders\?$/,
      recovery: /by itself: a changed pod template makes new pods at once$/,
      next: [
        /^next: kubectl -n shop patch deployment\/orders --type merge -p '\{"spec":\{"template":\{"metadata":\{"annotations":\{"iam\.amazonaws\.com\/role":"shop-orders"\}\}\}\}\}'$/,
        /^next: kubectl annotate --overwrite namespace shop '?iam\.amazonaws\.com\/permitted=\S+shop-orders\|\S+shop-oders'? {2}# instead, only if shop-oders is right/,
      ],
    },
    says: {
      explain: [
        /^ {2}scope: 0 of 3 replicas exist$/m,
        /^ {2}container app asks for \S+shop-oders \(the pod's annotation\): refused/m,
      ],
      check: [/FAIL {2}PODS_CREATED {2}deployment\/orders in namespace shop: It cannot create its pods/],
      status: [
        /^deployment\/orders in namespace shop cannot create its pods$/m,
        /; 1 workload cannot create its pods$/m,
      ],
      refusals: [
        /replicaset\/orders-5d9f8c7b64 +app +ROLE_FORBIDDEN +1 +shop-oders$/m,
        /next: kubectl -n shop patch deployment\/orders/,
      ],
    },
  },
  {
    name: "a role that does not trust the server",
    object: "pod/orders",
    prepare(cluster) {
      createAgedPod(cluster, podWith({ sidecar: endedWith(denialOfSts()) }));
      holds(cluster, "STS_DENIED");
      recordRefusal(cluster, denialOfSts());
    },
    answer: {
      cause: /STS_DENIED: Cannot assume role \S+shop-orders: AccessDenied: podrole's server is not authorized /,
      remedy:
        /Allow sts:AssumeRole to arn:aws:iam::123456789012:role\/podrole-server in the trust policy of shop-orders\.$/,
      recovery: RESTARTED_SIDECAR,
      next: TRUST_STEPS,
    },
    says: {
      explain: [
        /^ {2}podrole-sidecar is not running: CrashLoopBackOff, restarted 3 times; it last ended at \S+ with STS_DENIED$/m,
        /^ {2}container app asks for \S+shop-orders \(podrole\.io\/resolved\); holds nothing; last refused with STS_DENIED$/m,
      ],
      status: [
        /^orders +app +shop-orders +sidecar CrashLoopBackOff +- +STS_DENIED$/m,
        /^STS_DENIED \(pod shop\/orders\)$/m,
      ],
      refusals: [/^STS_DENIED \(pod shop\/orders\)$/m, new RegExp(`"AWS":"${PRINCIPAL}"`)],
    },
  },
  {
    name: "a server without a ready replica",
    object: "pod/orders",
    prepare(cluster) {
      const { store } = cluster;
      const server = store.get("deployments", "podrole", "podrole-server");
      const conditions = [{ type: "Available", status: "False", lastTransitionTime: timeAgo(10 * MINUTE_MS) }];
      const annotations = { "deployment.kubernetes.io/revision": "2" };
      const metadata = { ...server?.metadata, annotations };
      store.replace("deployments", { ...server, metadata, status: { conditions } });
      for (const number of [1, 2]) store.replace("pods", programPod("server", number, UNPULLED));
      createAgedPod(cluster, podWith({ sidecar: endedWith(unreachable(), "PostStartHookError") }));
    },
    answer: {
      cause:
        /podrole's server has no ready replica \(Deployment podrole\/podrole-server: 0 of 2 since \S+; 2 pods: ImagePullBackOff: Back-off pulling image "registry\.example\/podrole-server:0\.1\.0"\)/,
      remedy:
        /Let the nodes pull registry\.example\/podrole-server:0\.1\.0, or let the Deployment name an image that exists\.$/,
      recovery: /by itself: waiting pods get credentials within 5 min of its first ready replica$/,
      next: [
        /^next: kubectl -n podrole describe pod\/podrole-server-1$/,
        /^next: kubectl -n podrole rollout undo deployment\/podrole-server {2}# back to the former revision: the present one is the 2nd$/,
      ],
    },
    says: {
      explain: [
        /PostStartHookError: podrole-sidecar had no credentials/,
        /the credentials of running pods begin to expire at \S+ \(27 min after/,
      ],
      check: [
        /FAIL {2}SERVER_READY .*None of 2 replicas of the server is ready/,
        /see docs\/checks[\w-]*\.md#server_ready/,
      ],
      status: [/^podrole's server: 0 of 2 replicas are ready$/m, /SERVER_UNREACHABLE/, /begin to expire at/],
    },
  },
  {
    name: "a role that was changed on a running pod",
    object: "pod/orders",
    prepare(cluster) {
      createAgedPod(
        cluster,
        reannotatedPod(podWith({ sidecar: readySidecar() }), { "iam.amazonaws.com/role": "shop-other" }),
      );
      holds(cluster);
    },
    answer: {
      isWell: true,
      cause: /container app holds \S+shop-orders, and the pod's iam\.amazonaws\.com\/role now names \S*shop-other$/,
      remedy: /Nothing, if the change is intended\. Otherwise, name the earlier role again\.$/,
      recovery: /by itself: it gets \S*shop-other with its next renewal, between \S+ and \S+ \(in at most \d+ min/,
      next: [
        /^next: kubectl -n shop annotate pod\/orders iam\.amazonaws\.com\/role=arn:\S+shop-orders --overwrite {2}# only if the earlier role was right$/,
        /^next: kubectl -n shop get pod\/orders -o yaml \| kubectl -n shop replace --force -f - {2}# only to use the new role at once$/,
      ],
    },
    says: {
      explain: [/container app holds arn:\S+shop-orders until /],
      check: [/warn {2}ROLES_APPLIED {2}pod shop\/orders: /],
      status: [
        /^orders +app +shop-orders +ready /m,
        /^role changed \(pod shop\/orders\)$/m,
        /; all are ready, not all with the role that they name now$/m,
      ],
    },
  },
  {
    name: "a namespace without the label",
    object: "pod/orders",
    prepare(cluster) {
      const { store } = cluster;
      const { metadata } = store.get("namespaces", undefined, "shop") ?? assert.fail();
      store.replace("namespaces", { metadata: { name: "shop", annotations: metadata.annotations ?? {} } });
      createAgedPod(cluster, barePod());
    },
    answer: {
      cause: /namespace shop does not have the label podrole\.io\/inject: enabled, so no new pod in it is injected$/,
      remedy: /Label the namespace\. Then create the pod again: podrole injects pods only when they are created\.$/,
      recovery: NEW_POD,
      next: [/^next: kubectl label namespace shop podrole\.io\/inject=enabled$/, RECREATE("orders")],
    },
    says: {
      explain: [/once the namespace has the label: injected \(INJECTED\): .*shop-orders/],
      check: [/FAIL {2}PODS_INJECTED {2}pod shop\/orders: /],
      status: [/^orders .* not injected/m],
    },
  },
  {
    name: "a debug copy of a pod, without its annotations and labels",
    object: "pod/orders-debug",
    prepare(cluster) {
      createAgedPod(cluster, podWith({ sidecar: readySidecar() }));
      holds(cluster);
      const message = `Cannot issue credentials to container "app" of pod "shop/orders-debug": no role applies to it; expected iam.amazonaws.com/role on the pod, its ServiceAccount or its namespace`;
      const copy = podWith({ name: "orders-debug", sidecar: endedWith({ code: "ROLE_MISSING", message }) });
      const { labels: _labels, annotations: _annotations, ...metadata } = copy.metadata;
      const containers = [...copy.spec.containers, { name: "debugger-x7k2p", image: "alpine:3" }];
      createAgedPod(cluster, { ...copy, metadata, spec: { ...copy.spec, containers } }, 10 * MINUTE_MS);
    },
    answer: {
      cause: /ROLE_MISSING: the pod is a copy, as kubectl debug makes it: .* neither the annotation of the role nor/,
      remedy: /Delete the copy, and copy the pod again with --keep-annotations/,
      recovery: /needs a new copy$/,
      next: [
        /^next: kubectl -n shop delete pod\/orders-debug$/,
        /^next: kubectl -n shop debug pod\/orders -it --copy-to=orders-debug --keep-annotations --image=alpine:3 -- sh$/,
      ],
    },
    says: {
      explain: [/not injected \(NO_ROLE\)/, /^ {2}scope: no other pod in namespace shop is in this state$/m],
      check: [/FAIL {2}SIDECARS_READY {2}pod shop\/orders-debug: /],
      status: [/^orders-debug .* ROLE_MISSING$/m, /1 of 2 pods not well$/m],
    },
  },
  {
    name: "a webhook configuration that was deleted",
    object: "pod/orders",
    prepare(cluster) {
      cluster.store.remove("mutatingwebhookconfigurations", undefined, "podrole");
      createAgedPod(cluster, barePod(), 10 * MINUTE_MS);
    },
    answer: {
      cause: /podrole's webhook is not registered, so no new pod is injected$/,
      remedy: /Register the webhook\. Then create the pod again/,
      recovery: NEW_POD,
      next: [/^next: kubectl apply -f manifests\/base\/webhook-configuration\.yaml$/, RECREATE("orders")],
    },
    says: {
      explain: [/once it is registered: injected \(INJECTED\)/],
      check: [/FAIL {2}WEBHOOK_REGISTERED/, /FAIL {2}PODS_INJECTED/],
      status: [/^not injected \(pod shop\/orders\)$/m],
    },
  },
  {
    name: "a quota that is used up",
    object: "deployment/orders",
    prepare: (cluster) => failToCreate(cluster, "shop-orders", QUOTA_MESSAGE),
    answer: {
      cause:
        /its pods cannot be created: |ResourceQuota team of the namespace refuses them, podrole does not: exceeded quota: team, /,
      remedy: /Raise limits\.memory by 392Mi to 1416Mi for all 3 missing pods, or delete pods that count for it\.$/,
      recovery: TRIED_AGAIN,
      next: [
        /^next: kubectl -n shop describe quota\/team {2}#/,
        /^next: kubectl -n shop patch quota\/team --type merge -p '\{"spec":\{"hard":\{"limits\.memory":"1416Mi"\}\}\}'$/,
        /^next: kubectl -n shop rollout restart deployment\/orders {2}# only to have it try again at once$/,
      ],
    },
    says: {
      explain: [/^ {2}scope: 0 of 3 replicas exist$/m, /once the quota has room for it: injected/],
      check: [/FAIL {2}PODS_CREATED {2}deployment\/orders/],
      status: [/^deployment\/orders in namespace shop cannot create its pods$/m],
    },
  },
  {
    name: "a rotation in which a pod does not trust the new CA",
    object: "pod/orders",
    prepare(cluster) {
      const { store } = cluster;
      const trust = store.get("configmaps", "podrole", "podrole-trust");
      store.replace("configmaps", { ...trust, data: { "bundle.pem": `${CA}${OTHER_CA}` } });
      const clientConfig = {
        service: { namespace: "podrole", name: "podrole-webhook" },
        caBundle: caBundleOf(CA, OTHER_CA),
      };
      store.replace("mutatingwebhookconfigurations", { ...ownConfiguration({ clientConfig, sideEffects: "None" }) });
      const slots = [trustSlot("previous", CA, 10 * DAY_MS), trustSlot("current", OTHER_CA, 5 * MINUTE_MS)];
      cluster.state.trust = trustOf(...slots);
      createAgedPod(cluster, podTrusting(CA, endedWith(untrusted())));
    },
    answer: {
      cause:
        /SERVER_UNTRUSTED: Cannot trust podrole's server at \S+: its certificate does not verify \(SELF_SIGNED_CERT_IN_CHAIN\); .*; the pod was created without 1 of the 2 CAs that podrole publishes now: .*another CA \(/,
      remedy: /The CA is being rotated\. Create the pod again, and so each pod that is older than the new CA: /,
      recovery: NEW_POD,
      next: [RECREATE("orders"), /^next: podrole rotate status {2}#/],
    },
    says: {
      check: [/FAIL {2}SIDECARS_READY /],
      status: [/^SERVER_UNTRUSTED \(pod shop\/orders\)$/m],
      trust: [/^current .*another CA .* yes +yes /m, /podrole rotate status/],
    },
  },
  {
    name: "a migration that is half done",
    object: "pod/older",
    prepare(cluster) {
      const { store } = cluster;
      const namespace = store.get("namespaces", undefined, "shop") ?? assert.fail();
      store.replace("namespaces", { ...namespace, metadata: { ...namespace.metadata, ...labelledAgo(2 * HOUR_MS) } });
      const older = barePod();
      createAgedPod(cluster, { ...older, metadata: { ...older.metadata, name: "older" } }, 3 * HOUR_MS);
      createAgedPod(cluster, podWith({ sidecar: readySidecar() }));
      holds(cluster);
    },
    answer: {
      cause: /the pod \(created \S+\) is older than its namespace's label podrole\.io\/inject: enabled \(set \S+\)$/,
      remedy: CREATE_AGAIN,
      recovery: NEW_POD,
      next: [RECREATE("older")],
    },
    says: {
      explain: [/if created now: injected \(INJECTED\)/],
      check: [/FAIL {2}PODS_INJECTED {2}pod shop\/older: It is not injected/],
      status: [/^older .* not injected/m, /^orders .* ready /m, /^not injected \(pod shop\/older\)$/m],
    },
  },
];
