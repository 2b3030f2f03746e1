// Situations of the whole installation in which operators ask what is wrong: its server, its webhook and its CA.
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { barePod, CA, OTHER_CA, ownConfiguration } from "../../operations/check/healthy.ts";
import { podWith } from "../../operations/status/pods.ts";
import { caBundleOf, programPod, timeAgo, trustOf, trustSlot } from "./situation-cluster.ts";
import {
  createAgedPod,
  createFormerRevision,
  endedWith,
  failToCreate,
  holdsSince,
  POLICY_REFUSAL,
  podTrusting,
  readySidecar,
  UNPULLED,
  unreachable,
  untrusted,
} from "./situation-parts.ts";
import {
  explainsCauseOf,
  NEW_POD,
  RECREATE,
  RECREATE_INJECTED,
  RECREATING,
  RECREATING_INJECTED,
  REGISTER,
  ROLLED_OUT,
  type Situation,
  TRIED_AGAIN,
} from "./situation-patterns.ts";

/** As SITUATIONS, of all namespaces. */
export const INSTALLATION_SITUATIONS: readonly Situation[] = [
  {
    name: "a server without a ready replica",
    object: "pod/orders",
    prepare(cluster) {
      const { store } = cluster;
      const server = store.get("deployments", "podrole", "podrole-server");
      const conditions = [{ type: "Available", status: "False", lastTransitionTime: timeAgo(10 * MINUTE_MS) }];
      const annotations = { "deployment.kubernetes.io/revision": "2" };
      const metadata = { ...server?.metadata, annotations };
      createFormerRevision(cluster);
      store.replace("deployments", { ...server, metadata, status: { conditions } });
      for (const number of [1, 2]) store.replace("pods", programPod("server", number, UNPULLED));
      createAgedPod(cluster, podWith({ sidecar: endedWith(unreachable(), "PostStartHookError") }));
      createAgedPod(cluster, podWith({ name: "mailer", namespace: "other" }));
    },
    answer: {
      cause:
        /podrole's server has no ready replica \(Deployment podrole\/podrole-server: 0 of 2 since \S+; 2 pods: ImagePullBackOff: Back-off pulling image "registry\.example\/podrole-server:0\.1\.0"\)/,
      remedy:
        /Let the nodes pull registry\.example\/podrole-server:0\.1\.0, or let the Deployment name an image that exists\.$/,
      recovery: /by itself: waiting pods get credentials within 5 min of its first ready replica$/,
      scope:
        /^all namespaces: every injected pod that starts waits for it; 1 pod waits now, 1 running pod has credentials and cannot renew them: these expire at \S+ at the earliest \(27 min after the server went away\), and then AWS calls fail/,
      next: [
        /^kubectl -n podrole describe pod\/podrole-server-1$/,
        {
          command: /^kubectl -n podrole rollout undo deployment\/podrole-server --to-revision=1$/,
          purpose:
            /^only if that image does not exist or cannot be pulled soon, back to revision 1 with image registry\.example\/podrole-server:0\.0\.9$/,
        },
      ],
      requires: /^the right to patch deployments in namespace podrole /,
      verify:
        /^kubectl -n podrole rollout status deployment\/podrole-server ends with successfully rolled out, and podrole check --quiet shows no SERVER_/,
    },
    says: {
      explain: [/PostStartHookError: podrole-sidecar had no credentials/],
      check: [
        /FAIL {2}SERVER_READY .*None of 2 replicas of the server is ready/,
        /see docs\/checks[\w-]*\.md#server_ready/,
      ],
      status: [/^podrole's server: 0 of 2 replicas are ready$/m, /SERVER_UNREACHABLE/, /expire at \S+ at the earliest/],
      // The remedy of the code would say less than what is known about the server.
      refusals: [/^podrole's server: 0 of 2 replicas are ready$/m, /^(?!.*Check the server's Deployment, Service)/s],
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
      scope:
        /^all namespaces with the label podrole\.io\/inject: enabled: no pod that is created in them is injected; 1 pod that names a role runs without podrole: shop\/orders$/,
      next: [...REGISTER, ...RECREATE_INJECTED("orders")],
      requires: RECREATING_INJECTED,
      verify: explainsCauseOf("orders"),
    },
    says: {
      explain: [/a new pod, once it is registered: injected \(INJECTED\)/],
      check: [/FAIL {2}WEBHOOK_REGISTERED/, /FAIL {2}PODS_INJECTED/],
      status: [/^not injected \(pod shop\/orders\)$/m],
    },
  },
  {
    name: "a webhook configuration that was deleted, with the admission policy",
    object: "deployment/orders",
    prepare(cluster) {
      cluster.store.remove("mutatingwebhookconfigurations", undefined, "podrole");
      failToCreate(cluster, "shop-orders", POLICY_REFUSAL);
      createAgedPod(cluster, { ...barePod(), metadata: { ...barePod().metadata, name: "older" } }, 10 * MINUTE_MS);
    },
    answer: {
      cause:
        /podrole's webhook is not registered, and podrole's admission policy refuses them, because they name a role/,
      remedy: /^Register the webhook\.$/,
      scope:
        /^all namespaces with the label podrole\.io\/inject: enabled: .*; 1 pod .* runs without podrole: shop\/older; 0 of 3 replicas exist$/,
      recovery: TRIED_AGAIN,
      next: [...REGISTER, /^kubectl -n shop rollout restart deployment\/orders$/],
      requires: /create and patch mutatingwebhookconfigurations/,
      verify: ROLLED_OUT,
    },
    says: {
      check: [/FAIL {2}WEBHOOK_REGISTERED/, /FAIL {2}PODS_CREATED {2}deployment\/orders/],
      status: [
        /^deployment\/orders in namespace shop cannot create its pods$/m,
        /^ +podrole status -A -o json \| jq -r '.* select\(\.phase == "not injected"\) .*'$/m,
      ],
      refusals: [
        /^ {2}scope: .*: shop\/older$/m,
        /^ +podrole check --print-webhook \| kubectl apply -f -$/m,
        /^0 refusals .*; not counted: pods that podrole's admission policy or a quota refuses \(podrole status shows /m,
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
      // Of two running pods, one has renewed since.
      for (const [name, renewed] of [
        ["mailer", HOUR_MS / 2],
        ["worker", MINUTE_MS],
      ] as const) {
        const pod = podTrusting(CA, readySidecar());
        const metadata = { ...pod.metadata, name, uid: `uid-${name}`, namespace: "other" };
        createAgedPod(cluster, { ...pod, metadata });
        holdsSince(cluster, { name, namespace: "other", uid: `uid-${name}` }, renewed);
      }
    },
    answer: {
      cause:
        /SERVER_UNTRUSTED: podrole's CA is being rotated, and the pod was created without 1 of the 2 CAs that podrole publishes now, .*another CA \(\S+\): Cannot trust podrole's server at \S+: its certificate does not verify \(SELF_SIGNED_CERT_IN_CHAIN\)/,
      remedy: /Create the pod again, and each other one that podrole status -A shows with SERVER_UNTRUSTED: /,
      scope:
        /^all namespaces: every pod that is older than the CA and has not renewed since; 1 pod waits for credentials with SERVER_UNTRUSTED; 1 running pod may not trust the server \(other\/mailer\): .* the pod keeps its credentials, which expire at \S+ at the earliest, .*; 1 running pod has renewed since, and will again; a new pod has the CA, and gets credentials$/,
      recovery: NEW_POD,
      next: [
        ...RECREATE("orders"),
        {
          command: /^kubectl -n other logs pod\/mailer -c podrole-sidecar --tail=50$/,
          purpose:
            /^shows SERVER_UNTRUSTED if this running pod does not trust the server either: without that line, it trusts the server for certain only from \S+Z on$/,
        },
        {
          command: /^kubectl -n other get pod\/mailer -o yaml > other\.mailer\.yaml$/,
          purpose: /^only if that log of other\/mailer has SERVER_UNTRUSTED, before its credentials expire, saves /,
        },
        {
          command: /^kubectl -n other replace --force -f other\.mailer\.yaml$/,
          purpose: /^only if that log of other\/mailer has SERVER_UNTRUSTED, before its credentials expire, deletes /,
        },
        {
          command: /^podrole rotate status$/,
          purpose: /^says until when each step of the rotation is refused: take none/,
        },
      ],
      requires: RECREATING,
      verify: explainsCauseOf("orders"),
    },
    says: {
      check: [/FAIL {2}SIDECARS_READY /],
      status: [
        /^SERVER_UNTRUSTED \(pod shop\/orders\)$/m,
        /^ +podrole status -A -o json \| jq -r '.* select\(\.code == "SERVER_UNTRUSTED"\) .*'$/m,
      ],
      refusals: [/^\S.* orders +- +SERVER_UNTRUSTED +\d/m, /^SERVER_UNTRUSTED \(pod shop\/orders\)$/m],
      trust: [/^current .*another CA .* yes +yes /m, /podrole rotate status/],
    },
  },
];
