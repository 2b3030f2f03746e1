// Situations in which operators ask what is wrong: how a healthy installation comes into each of them, and what the
// commands say then.
import assert from "node:assert/strict";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { barePod, CA, OTHER_CA, ownConfiguration } from "../../operations/check/healthy.ts";
import { podWith } from "../../operations/status/pods.ts";
import { caBundleOf, labelledAgo, programPod, type SituationCluster, trustOf, trustSlot } from "./situation-cluster.ts";
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
  /** Exit code of status, if it is not 1. */
  readonly statusExitCode?: number;
  /** The cause and the remedy, which explain names in its second and third line. */
  readonly cause?: RegExp;
  readonly remedy?: RegExp;
  /** What each command must say besides; a command that has nothing to say about it is left out. */
  readonly says: { readonly [Command in "explain" | "check" | "status" | "refusals" | "trust"]?: readonly RegExp[] };
}

const PRINCIPAL = "arn:aws:iam::123456789012:role/podrole-server";
const trustSteps = (principal: string) =>
  new RegExp(
    `next: podrole aws trust --principal ${principal} {2}#.*\\n +next: aws iam get-role --role-name shop-orders .* > trust\\.json {2}#.*\\n +next: aws iam update-assume-role-policy --role-name shop-orders --policy-document file://trust\\.json`,
  );
const NEXT_DESCRIBE = /next: kubectl -n podrole describe deployment podrole-server/;
const NEXT_LABEL = /next: kubectl label namespace shop podrole\.io\/inject=enabled/;
const NEXT_REGISTER = /next: kubectl apply -f manifests\/base\/webhook-configuration\.yaml/;
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
    cause:
      /^ {2}cause: its pods cannot be created: podrole refuses them: ROLE_FORBIDDEN: .*role\/shop-oders to .* permits "\S+shop-orders" .* does not match$/,
    remedy: /^ {2}remedy: Did you mean shop-orders\? Correct the role's name, .* Only if .* permit it/,
    says: {
      explain: [
        /^ {2}its next pods: refused \(ROLE_FORBIDDEN\): as the last ones\n {2}container app: \S+shop-oders, named by the pod's annotation: refused \(ROLE_FORBIDDEN\)$/m,
        /next: kubectl -n shop edit deployment\/orders {2}# correct the role in the pod template: did you mean shop-orders\?\n +next: kubectl edit namespace shop {2}# only if the role is right: permit it/,
      ],
      status: [
        /deployment\/orders in namespace shop cannot create its pods: podrole refuses them: ROLE_FORBIDDEN: .* -- Did you mean shop-orders\?/,
        /next: kubectl -n shop edit deployment\/orders.*\n +next: kubectl edit namespace shop/,
        /; 1 workload cannot create its pods$/m,
      ],
      refusals: [
        /replicaset\/orders-5d9f8c7b64 +app +ROLE_FORBIDDEN +1 +shop-oders$/m,
        /^ROLE_FORBIDDEN .* -- Correct the role's name/m,
        /next: kubectl -n shop edit deployment\/orders/,
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
    cause:
      /^ {2}cause: STS_DENIED: Cannot assume role \S+shop-orders: AccessDenied: podrole's server is not authorized .* \(the trust policy of shop-orders must allow sts:AssumeRole to arn:aws:iam::123456789012:role\/podrole-server, such as \{/,
    remedy:
      /^ {2}remedy: Check that the role exists .* Then add the AWS principal of podrole's server, .* to the role's trust policy/,
    says: {
      explain: [
        /^ {2}podrole-sidecar is not running: CrashLoopBackOff, restarted 3 times; it last ended at \S+ with STS_DENIED$/m,
        trustSteps(PRINCIPAL),
      ],
      check: [
        /FAIL {2}SIDECARS_READY {2}pod shop\/orders: .*STS_DENIED: Cannot assume role .* -- /,
        trustSteps(PRINCIPAL),
      ],
      status: [
        /^orders .* STS_DENIED$/m,
        /^STS_DENIED \(pod shop\/orders\): Cannot assume role .* -- /m,
        trustSteps(PRINCIPAL),
      ],
      refusals: [/^STS_DENIED \(pod shop\/orders\): /m, trustSteps(PRINCIPAL)],
    },
  },
  {
    name: "a server without a ready replica",
    object: "pod/orders",
    prepare(cluster) {
      const { store } = cluster;
      const server = store.get("deployments", "podrole", "podrole-server");
      store.replace("deployments", { ...server, status: {} });
      for (const number of [1, 2]) store.replace("pods", programPod("server", number, UNPULLED));
      createAgedPod(cluster, podWith({ sidecar: endedWith(unreachable(), "PostStartHookError") }));
    },
    cause:
      /^ {2}cause: podrole's server has no ready replica \(Deployment podrole\/podrole-server: 0 of 2; 2 pods: ImagePullBackOff: Back-off pulling image "registry\.example\/podrole-server:0\.1\.0"\)/,
    remedy: /^ {2}remedy: Make a replica of the server ready\. Waiting pods then get credentials by themselves/,
    says: {
      explain: [/PostStartHookError: podrole-sidecar had no credentials/, NEXT_DESCRIBE],
      check: [
        /FAIL {2}SERVER_READY .*None of 2 replicas of the server is ready \(2 pods: ImagePullBackOff: /,
        NEXT_DESCRIBE,
        /see docs\/checks[\w-]*\.md#server_ready/,
      ],
      status: [
        /^podrole's server has no ready replica \(0 of 2; 2 pods: ImagePullBackOff: .*\): /m,
        NEXT_DESCRIBE,
        /SERVER_UNREACHABLE/,
      ],
    },
  },
  {
    name: "a role that was changed on a running pod",
    object: "pod/orders",
    statusExitCode: 0,
    prepare(cluster) {
      createAgedPod(
        cluster,
        reannotatedPod(podWith({ sidecar: readySidecar() }), { "iam.amazonaws.com/role": "shop-other" }),
      );
      holds(cluster);
    },
    cause:
      /^ {2}differs: container app holds \S+shop-orders, and the decision now is \S+shop-other: if that is intended, there is nothing to do: it gets that role with its next renewal$/,
    remedy:
      /^ {2}next: kubectl -n shop annotate pod orders iam\.amazonaws\.com\/role=arn:\S+shop-orders --overwrite {2}# only if the earlier role was right$/,
    says: {
      explain: [
        /container app holds arn:\S+shop-orders until /,
        /next: kubectl -n shop delete pod orders {2}# only to use the new role before the next renewal: the new pod has the role that its manifest/,
      ],
      status: [
        /^orders +app +shop-orders +ready /m,
        /^role changed \(pod shop\/orders\): the pod's annotation now names shop-other, and its container has \S+shop-orders; if that is intended, there is nothing to do/m,
        /; all are ready, not all with the role that they name now$/m,
        /next: podrole explain pod\/orders -n shop/,
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
    cause:
      /^ {2}cause: namespace shop does not have the label podrole\.io\/inject: enabled, so no pod in it is injected$/,
    remedy:
      /^ {2}remedy: Label the namespace\. Then create the pod again: podrole injects pods only when they are created\.$/,
    says: {
      explain: [
        NEXT_LABEL,
        /once the namespace has the label: injected \(INJECTED\): .*shop-orders/,
        /next: kubectl -n shop delete pod orders/,
      ],
      check: [
        /warn {2}PODS_INJECTED {2}pod shop\/orders: .*NAMESPACE_NOT_LABELLED/,
        /next: kubectl label namespace shop podrole\.io\/inject=enabled\n +next: kubectl -n shop delete pod orders/,
      ],
      status: [/^orders .* not injected/m, /^namespace shop does not have the label/m, NEXT_LABEL],
    },
  },
  {
    name: "a debug copy of a pod, without its annotations and labels",
    object: "pod/orders-debug",
    prepare(cluster) {
      const message = `Cannot issue credentials to container "app" of pod "shop/orders-debug": no role applies to it; expected iam.amazonaws.com/role on the pod, its ServiceAccount or its namespace`;
      const copy = podWith({ name: "orders-debug", sidecar: endedWith({ code: "ROLE_MISSING", message }) });
      const { labels: _labels, annotations: _annotations, ...metadata } = copy.metadata;
      createAgedPod(cluster, { ...copy, metadata }, 10 * MINUTE_MS);
    },
    cause:
      /^ {2}cause: ROLE_MISSING: the pod is a copy, as kubectl debug makes it: .* neither the annotation of the role nor/,
    remedy: /^ {2}remedy: Delete the copy, and copy the pod again with --keep-annotations/,
    says: {
      explain: [
        /not injected \(NO_ROLE\)/,
        /next: kubectl -n shop delete pod orders-debug .*\n +next: kubectl -n shop debug POD -it --copy-to=orders-debug --keep-annotations --image=busybox -- sh/,
      ],
      check: [
        /FAIL {2}SIDECARS_READY {2}pod shop\/orders-debug: .*ROLE_MISSING: the pod is a copy.* -- Delete the copy/,
        /next: kubectl -n shop delete pod orders-debug {2}# then copy the pod/,
      ],
      status: [
        /^orders-debug .* ROLE_MISSING$/m,
        /^ROLE_MISSING \(pod shop\/orders-debug\): the pod is a copy.* -- Delete the copy/m,
        /next: kubectl -n shop delete pod orders-debug {2}# then copy the pod/,
      ],
    },
  },
  {
    name: "a webhook configuration that was deleted",
    object: "pod/orders",
    prepare(cluster) {
      cluster.store.remove("mutatingwebhookconfigurations", undefined, "podrole");
      createAgedPod(cluster, barePod(), 10 * MINUTE_MS);
    },
    cause: /^ {2}cause: podrole's webhook is not registered, so no new pod is injected$/,
    remedy: /^ {2}remedy: Register the webhook\. Then create the pod again/,
    says: {
      explain: [
        /if created now: not injected: podrole's webhook is not registered\n {2}once it is registered: injected \(INJECTED\)/,
        NEXT_REGISTER,
        /next: kubectl -n shop delete pod orders/,
      ],
      check: [
        /FAIL {2}WEBHOOK_REGISTERED/,
        /FAIL {2}PODS_INJECTED .*podrole's webhook is not registered\n +next: kubectl apply -f manifests\/base\/webhook-configuration\.yaml .*\n +next: kubectl -n shop delete pod orders/,
      ],
      status: [/podrole's webhook is not registered: new pods are not injected/, NEXT_REGISTER],
    },
  },
  {
    name: "a quota that is used up",
    object: "deployment/orders",
    prepare: (cluster) => failToCreate(cluster, "shop-orders", QUOTA_MESSAGE),
    cause:
      /^ {2}cause: its pods cannot be created: ResourceQuota team of the namespace refuses them, podrole does not: .*exceeded quota: team, .*; 72Mi of limits\.memory is missing \(the pod requests 160Mi, 96Mi of it for podrole-sidecar\)$/,
    remedy:
      /^ {2}remedy: Raise limits\.memory by 72Mi and by 160Mi for each further pod, or delete pods that count for it\.$/,
    says: {
      explain: [
        /its next pods: not created: ResourceQuota team of the namespace refuses it\n {2}once the quota has room for it: injected/,
        /next: kubectl -n shop describe quota team .*\n +next: kubectl -n shop edit quota team/,
      ],
      status: [
        /deployment\/orders in namespace shop cannot create its pods: ResourceQuota team .* podrole does not/,
        /next: kubectl -n shop describe quota team .*\n +next: kubectl -n shop edit quota team/,
      ],
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
    cause:
      /^ {2}cause: SERVER_UNTRUSTED: Cannot trust podrole's server at \S+: its certificate does not verify \(SELF_SIGNED_CERT_IN_CHAIN\); .*; the pod was created without 1 of the 2 CAs that podrole publishes now: .*another CA \(/,
    remedy: /^ {2}remedy: Create the pod again: a new pod has the present CAs\. During a rotation, /,
    says: {
      explain: [/next: kubectl -n shop delete pod orders .*\n +next: podrole rotate status/],
      check: [
        /FAIL {2}SIDECARS_READY .*SERVER_UNTRUSTED: .* without 1 of the 2 CAs .* -- Create the pod again/,
        /next: kubectl -n shop delete pod orders.*\n +next: podrole rotate status/,
      ],
      status: [
        /^SERVER_UNTRUSTED \(pod shop\/orders\): Cannot trust .* -- Create the pod again/m,
        /next: podrole rotate status.*\n +next: kubectl -n shop delete pod orders/,
      ],
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
    cause:
      /^ {2}cause: the pod \(created \S+\) is older than its namespace's label podrole\.io\/inject: enabled \(set \S+\)$/,
    remedy: /^ {2}remedy: Create the pod again: podrole injects pods only when they are created\.$/,
    says: {
      explain: [
        /if created now: injected \(INJECTED\)/,
        /next: kubectl -n shop delete pod older {2}# then apply its manifest again/,
      ],
      check: [
        /FAIL {2}PODS_INJECTED {2}pod shop\/older: It is not injected, but would be .* is older than its namespace's label/,
        /next: kubectl -n shop delete pod older/,
      ],
      status: [
        /^older .* not injected/m,
        /^orders .* ready /m,
        /^not injected \(pod shop\/older\): .* is older than its namespace's label/m,
        /next: kubectl -n shop delete pod older/,
      ],
    },
  },
];
