// Situations of one workload or namespace in which operators ask what is wrong: how a healthy installation comes into
// each of them, and what the commands say then.
import assert from "node:assert/strict";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { barePod } from "../../operations/check/healthy.ts";
import { podWith } from "../../operations/status/pods.ts";
import { labelledAgo } from "./situation-cluster.ts";
import {
  createAgedPod,
  createUsedUpQuota,
  endedWith,
  failToCreate,
  holds,
  PERMITTED,
  QUOTA_MESSAGE,
  readySidecar,
  reannotatedPod,
  refusalAtAdmission,
} from "./situation-parts.ts";
import {
  CREATE_AGAIN,
  explainsCauseOf,
  NEW_POD,
  RECREATE,
  RECREATE_INJECTED,
  RECREATING_INJECTED,
  ROLLED_OUT,
  type Situation,
  TRIAL,
  WAY_BACK,
} from "./situation-patterns.ts";

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
      recovery:
        /by itself: a changed pod template makes new pods at once; after a change of something else, the controller/,
      next: [
        /^kubectl -n shop patch deployment\/orders --type merge -p '\{"spec":\{"template":\{"metadata":\{"annotations":\{"iam\.amazonaws\.com\/role":"shop-orders"\}\}\}\}\}'$/,
        {
          command:
            /^kubectl annotate --overwrite namespace shop '?iam\.amazonaws\.com\/permitted=\S+shop-orders\|\S+shop-oders'?$/,
          purpose: /^instead, only if shop-oders is right/,
        },
        {
          command: /^kubectl -n shop rollout restart deployment\/orders$/,
          purpose: /^only after the namespace permits it, to have it try again at once$/,
        },
      ],
      requires:
        /^the right to patch deployments in namespace shop \(kubectl .*; if Git, Helm or an operator is the source of deployment\/orders or namespace\/shop, change it there instead/,
      verify: ROLLED_OUT,
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
        /^ +kubectl -n shop patch deployment\/orders/m,
      ],
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
      recovery:
        /by itself: it gets \S*shop-other with its next renewal, between \S+ and \S+ \(in at most \d+ min.*; namespace shop permits it, and whether STS gives it was not tried: if STS refuses it, the container keeps \S+shop-orders until \S+Z, and has no/,
      next: [
        {
          command: /^kubectl -n shop annotate pod\/orders iam\.amazonaws\.com\/role=arn:\S+shop-orders --overwrite$/,
          purpose: /^only if the earlier role was right$/,
        },
        TRIAL("orders", "only to use the new role at once, "),
        ...RECREATE("orders", "only to use the new role at once, "),
        WAY_BACK(
          "orders",
          "iam\\.amazonaws\\.com/role=\\S+shop-orders",
          /^only if the new pod does not start, the way back: creates it with the earlier role$/,
        ),
      ],
      verify:
        /^podrole explain pod\/orders -n shop shows no cause and ends with exit code 0: at once if the earlier role/,
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
      next: [/^kubectl label namespace shop podrole\.io\/inject=enabled$/, ...RECREATE_INJECTED("orders")],
      requires: RECREATING_INJECTED,
      verify: explainsCauseOf("orders"),
    },
    says: {
      explain: [
        /once the namespace has the label: injected \(INJECTED\): .*shop-orders; whether STS gives the role was not tried$/m,
      ],
      check: [
        /FAIL {2}PODS_INJECTED {2}pod shop\/orders: /,
        /warn {2}NAMESPACES_PERMIT {2}namespace shop: It does not have the label/,
      ],
      status: [/^orders +- +shop-orders \(named\) +not injected/m],
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
        /^kubectl -n shop delete pod\/orders-debug$/,
        /^kubectl -n shop debug pod\/orders -it --copy-to=orders-debug --keep-annotations --image=alpine:3 -- sh$/,
      ],
      requires: /; a kubectl whose debug command has --keep-annotations \(kubectl debug --help\)/,
      verify: explainsCauseOf("orders-debug"),
    },
    says: {
      explain: [/^ {2}a copy with podrole-sidecar /m, /^ {2}scope: no other pod in namespace shop is in this state$/m],
      check: [/FAIL {2}SIDECARS_READY {2}pod shop\/orders-debug: /],
      status: [/^orders-debug .* ROLE_MISSING$/m, /1 of 2 pods not well$/m],
    },
  },
  {
    name: "a debug copy out of which podrole took its sidecar",
    object: "pod/orders-debug",
    prepare(cluster) {
      createAgedPod(cluster, podWith({ sidecar: readySidecar() }));
      holds(cluster);
      const containers = [
        { name: "app", image: "app:1" },
        { name: "debugger-x7k2p", image: "alpine:3" },
      ];
      const metadata = { name: "orders-debug", namespace: "shop", uid: "uid-shop-orders-debug" };
      const ended = { name: "app", ready: false, state: { terminated: { exitCode: 7, reason: "Error" } } };
      const status = { phase: "Running", containerStatuses: [ended] };
      createAgedPod(cluster, { metadata, spec: { containers }, status }, 10 * MINUTE_MS);
    },
    answer: {
      warns: true,
      cause:
        /NO_ROLE: the pod is a copy of pod orders, as kubectl debug makes it, without the annotation of the role.*; container app has ended with exit code 7$/,
      remedy:
        /^Nothing, if the copy needs no role\. Otherwise, delete it, .* with --keep-annotations: .* a second run of the app among them, have the real role/,
      recovery: /needs a new copy$/,
      next: [
        {
          command: /^kubectl -n shop logs pod\/orders-debug -c app$/,
          purpose: /^shows what the container wrote before it ended$/,
        },
        /^kubectl -n shop delete pod\/orders-debug$/,
        /^kubectl -n shop debug pod\/orders .*--keep-annotations /,
      ],
      requires: /^the right to delete, get and create pods, create pods\/attach in namespace shop /,
      verify:
        /^podrole explain pod\/orders-debug -n shop shows no cause and ends with exit code 0; run it in a second /,
    },
    says: {
      status: [/^1 pod in namespace shop uses podrole; 1 copy has no role; 1 of 2 pods not well$/m],
      explain: [/^(?:(?!a new pod).)*$/s],
    },
  },
  {
    name: "a quota that is used up",
    object: "deployment/orders",
    prepare(cluster) {
      createUsedUpQuota(cluster);
      failToCreate(cluster, "shop-orders", QUOTA_MESSAGE);
    },
    answer: {
      cause:
        /ResourceQuota team of the namespace refuses them, podrole does not: exceeded quota: team, .*; each pod takes 160Mi of limits\.memory, 96Mi of it for podrole-sidecar$/,
      remedy:
        /Raise limits\.memory by 552Mi to 1576Mi, for all 3 missing pods beside those that count now and for the one more that a rollout creates; without a rollout, 1416Mi of limits\.memory would do\.$/,
      recovery: /^once the quota has room, by itself: the controller tries again, after waits of at most 17 min$/,
      next: [
        /^kubectl -n shop describe quota\/team$/,
        {
          command:
            /^kubectl -n shop patch quota\/team --type merge -p '\{"spec":\{"hard":\{"limits\.memory":"1576Mi"\}\}\}'$/,
          purpose: /^raises limits\.memory from 1Gi$/,
        },
        {
          command: /^kubectl -n shop rollout restart deployment\/orders$/,
          purpose: /^only to have it try again at once$/,
        },
      ],
      requires:
        /patch resourcequotas, patch deployments in namespace shop .*room in the namespace's quotas for one more pod/,
      verify: ROLLED_OUT,
    },
    says: {
      explain: [/^ {2}scope: 0 of 3 replicas exist$/m, /once the quota has room for it: injected/],
      check: [/FAIL {2}PODS_CREATED {2}deployment\/orders/],
      status: [
        /^deployment\/orders in namespace shop cannot create its pods$/m,
        /^no such pod exists in namespace shop; 1 workload cannot create its pods$/m,
      ],
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
      next: RECREATE_INJECTED("older"),
      requires: RECREATING_INJECTED,
      verify: explainsCauseOf("older"),
    },
    says: {
      explain: [/a new pod, if created now: injected \(INJECTED\)/],
      check: [/FAIL {2}PODS_INJECTED {2}pod shop\/older: It is not injected/],
      status: [
        /^older +- +shop-orders \(named\) +not injected/m,
        /^orders .* ready /m,
        /^not injected \(pod shop\/older\)$/m,
      ],
    },
  },
];
