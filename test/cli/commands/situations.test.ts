// Situations in which operators ask what is wrong: what explain, check and status say in each of them, against the API
// server emulator. Each output is printed (as a diagnostic), and must name the cause and what to do.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { checkAction } from "../../../src/cli/commands/check.ts";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import { statusAction } from "../../../src/cli/commands/status.ts";
import { plan } from "../../../src/injection/plan.ts";
import { type ErrorCode, withRemedy } from "../../../src/protocol/errors.ts";
import { fromAwsError } from "../../../src/server/aws/aws-errors.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { barePod, CA, createInstalledObjects, OTHER_CA } from "../../operations/check/healthy.ts";
import { ARN, podWith, READY } from "../../operations/status/pods.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

type Cluster = Awaited<ReturnType<typeof startOperatorCluster>>;

interface Situation {
  readonly name: string;
  readonly object: string;
  /** Changes a healthy installation. */
  readonly prepare: (store: Cluster["store"]) => void;
  /** What each command must say, cause and remedy; a command that has nothing to say about it is left out. */
  /** Exit code of status, if it is not 1. */
  readonly statusExitCode?: number;
  readonly says: { readonly [Command in "explain" | "check" | "status" | "refusals" | "trust"]?: readonly RegExp[] };
}

const NEXT_TRUST =
  /next: podrole aws trust --principal ARN {2}#.*\n +next: aws iam get-role --role-name shop-orders .*\n +next: aws iam update-assume-role-policy --role-name shop-orders --policy-document file:\/\/trust\.json {2}# replaces the whole policy/;
const NEXT_DESCRIBE = /next: kubectl -n podrole describe deployment podrole-server/;
const NEXT_LABEL = /next: kubectl label namespace shop podrole\.io\/inject=enabled/;
const NEXT_REGISTER = /next: kubectl apply -f manifests\/base\/webhook-configuration\.yaml/;

/** A sidecar that ended with a code, as the kubelet describes it between two starts. */
function endedWith(code: ErrorCode, reason: string, waiting = "CrashLoopBackOff"): object {
  const message = withRemedy({ code, message: reason }, 4096);
  const terminated = { exitCode: 1, finishedAt: "2026-06-01T11:59:00Z", message };
  return { restartCount: 3, state: { waiting: { reason: waiting } }, lastState: { terminated } };
}

function deploymentWith(message: string): object {
  const spec = { containers: [{ name: "app", image: "app:1" }] };
  const metadata = { annotations: { "iam.amazonaws.com/role": "shop-oders" } };
  return {
    metadata: { name: "orders", namespace: "shop" },
    spec: { template: { metadata, spec } },
    status: { conditions: [{ type: "ReplicaFailure", status: "True", message }] },
  };
}

/** What the ReplicaSet's controller reports about a pod that it cannot create. */
function failedCreation(message: string): object {
  return {
    metadata: { name: "orders.1", namespace: "shop" },
    involvedObject: { kind: "ReplicaSet", namespace: "shop", name: "orders-5d9f8c7b64" },
    ...{ reason: "FailedCreate", message: `Error creating: ${message}`, lastTimestamp: new Date().toISOString() },
  };
}

function failsToCreate(store: Cluster["store"], message: string): void {
  store.create("deployments", deploymentWith(message) as never);
  store.create("events", failedCreation(message) as never);
}

/** The same pod as its author may change it. */
function annotated(pod: ReturnType<typeof podWith>, annotations: Readonly<Record<string, string>>) {
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } } };
}

const PERMITTED = { name: "shop", labels: {}, annotations: { "iam.amazonaws.com/permitted": `${ARN}shop-orders` } };

/** What the webhook answers the API server about a role that the namespace does not permit. */
function refusalAtAdmission(): string {
  const namespace = { ...PERMITTED, labels: { "podrole.io/inject": "enabled" } };
  const pod = {
    ...barePod("shop-oders"),
    metadata: { ...barePod("shop-oders").metadata, name: "orders-5d9f8c7b64-x7x2p" },
  };
  const planned = plan({ pod, namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
  assert.equal(planned.reason, "ROLE_FORBIDDEN");
  const text = withRemedy({ code: "ROLE_FORBIDDEN", message: planned.message }, 4096);
  return `admission webhook "pods.podrole.io" denied the request: ${text}`;
}

/** What STS answers if the role's trust policy does not name the server, and what podrole adds to it. */
function denialOfSts(): string {
  const server = "arn:aws:sts::123456789012:assumed-role/podrole-server/i-0abc";
  const message = `User: ${server} is not authorized to perform: sts:AssumeRole on resource: ${ARN}shop-orders because no role trust policy allows the sts:AssumeRole action`;
  const exception = Object.assign(new Error(message), { name: "AccessDenied", $fault: "client", $metadata: {} });
  const request = { roleArn: `${ARN}shop-orders` };
  return fromAwsError(exception, `assume role ${ARN}shop-orders`, request).message;
}

const QUOTA_MESSAGE =
  'pods "orders-5d9f8c7b64-x7x2p" is forbidden: exceeded quota: team, requested: limits.memory=96Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi';

const SITUATIONS: readonly Situation[] = [
  {
    name: "a role with a typing error, which the namespace does not permit",
    object: "deployment/orders",
    prepare(store) {
      const { metadata } = store.get("namespaces", undefined, "shop") ?? assert.fail();
      store.replace("namespaces", { metadata: { ...metadata, annotations: PERMITTED.annotations } });
      failsToCreate(store, refusalAtAdmission());
    },
    says: {
      explain: [
        /its pods cannot be created: podrole refuses them: ROLE_FORBIDDEN: .*role\/shop-oders .* -- Permit the role/,
        /^ {2}its next pods: refused \(ROLE_FORBIDDEN\): as the last ones\n {2}container app: \S+shop-oders, named by the pod's annotation: refused \(ROLE_FORBIDDEN\)$/m,
        /next: kubectl -n shop edit deployment\/orders {2}# correct the role: did you mean shop-orders\?, in the pod template/,
        /next: kubectl edit namespace shop {2}# or permit it: annotation iam\.amazonaws\.com\/permitted/,
      ],
      status: [
        /deployment\/orders in namespace shop cannot create its pods: podrole refuses them: ROLE_FORBIDDEN/,
        /next: kubectl -n shop edit deployment\/orders.*\n +next: kubectl edit namespace shop/,
        /; 1 workload cannot create its pods$/m,
      ],
      refusals: [
        /replicaset\/orders-5d9f8c7b64 +app +ROLE_FORBIDDEN +1 +shop-oders$/m,
        /^ROLE_FORBIDDEN .*Permit the role/m,
        /next: kubectl -n shop edit deployment\/orders/,
      ],
    },
  },
  {
    name: "a role that does not trust the server",
    object: "pod/orders",
    prepare: (store) => store.create("pods", podWith({ sidecar: endedWith("STS_DENIED", denialOfSts()) })),
    says: {
      explain: [
        /CrashLoopBackOff/,
        /STS_DENIED: .*the trust policy of shop-orders must allow sts:AssumeRole to arn:aws:iam::123456789012:role\/podrole-server, such as \{/,
        NEXT_TRUST,
      ],
      check: [/FAIL {2}SIDECARS_READY {2}pod shop\/orders: .*STS_DENIED: Cannot assume role .* -- /, NEXT_TRUST],
      status: [/^orders .* STS_DENIED$/m, /^STS_DENIED \(pod shop\/orders\): Cannot assume role .* -- /m, NEXT_TRUST],
      refusals: [/^STS_DENIED \(pod shop\/orders\): /m, NEXT_TRUST],
    },
  },
  {
    name: "a server without a ready replica",
    object: "pod/orders",
    prepare(store) {
      const server = store.get("deployments", "podrole", "podrole-server");
      store.replace("deployments", { ...server, status: {} });
      const sidecar = endedWith("SERVER_UNREACHABLE", "Cannot reach podrole's server", "PostStartHookError");
      store.create("pods", podWith({ sidecar }));
    },
    says: {
      explain: [
        /PostStartHookError: podrole-sidecar had no credentials/,
        /podrole's server has no ready replica/,
        NEXT_DESCRIBE,
      ],
      check: [/FAIL {2}SERVER_READY .*None of 2 replicas/, NEXT_DESCRIBE, /see docs\/checks[\w-]*\.md#server_ready/],
      status: [/^podrole's server has no ready replica \(0 of 2\): /m, NEXT_DESCRIBE, /SERVER_UNREACHABLE/],
    },
  },
  {
    name: "a role that was changed on a running pod",
    object: "pod/orders",
    statusExitCode: 0,
    prepare: (store) => store.create("pods", annotated(podWith(), { "iam.amazonaws.com/role": "shop-other" })),
    says: {
      explain: [
        /container app: arn:\S+shop-orders at admission/,
        /differs: .*shop-orders, and the decision now is \S+shop-other: the role was changed after admission, or that annotation was; if that is intended, there is nothing to do: it gets that role with its next renewal/,
        /next: kubectl -n shop annotate pod orders iam\.amazonaws\.com\/role=arn:\S+shop-orders --overwrite {2}# only if the earlier role was right\n +next: kubectl -n shop delete pod orders {2}# only to use the new role before the next renewal: the new pod has the role that its manifest/,
      ],
      status: [
        /^orders +app +shop-orders +ready /m,
        /^role changed \(pod shop\/orders\): the pod's annotation now names shop-other, and its container got \S+shop-orders at admission; if that is intended, there is nothing to do/m,
        /; all are ready, not all with the role that they name now$/m,
        /next: podrole explain pod\/orders -n shop/,
      ],
    },
  },
  {
    name: "a namespace without the label",
    object: "pod/orders",
    prepare(store) {
      const { metadata } = store.get("namespaces", undefined, "shop") ?? assert.fail();
      store.replace("namespaces", { metadata: { name: "shop", annotations: metadata.annotations ?? {} } });
      store.create("pods", barePod());
    },
    says: {
      explain: [
        /not injected/,
        /NAMESPACE_NOT_LABELLED\): The namespace does not have the label podrole\.io\/inject: enabled/,
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
    prepare(store) {
      const copy = podWith({ name: "orders-debug", sidecar: endedWith("ROLE_MISSING", "Cannot issue credentials") });
      const { labels: _labels, annotations: _annotations, ...metadata } = copy.metadata;
      store.create("pods", { ...copy, metadata });
    },
    says: {
      explain: [
        /as a copy of kubectl debug.*--keep-annotations/,
        /ROLE_MISSING: Cannot issue credentials -- Annotate the pod/,
        /not injected \(NO_ROLE\)/,
        /next: kubectl -n shop delete pod orders-debug .*\n +next: kubectl -n shop debug POD -it --copy-to=orders-debug --keep-annotations --image=busybox -- sh/,
      ],
      check: [
        /FAIL {2}SIDECARS_READY {2}pod shop\/orders-debug: .*ROLE_MISSING/,
        /next: kubectl -n shop delete pod orders-debug {2}# then copy the pod/,
      ],
      status: [
        /^orders-debug .* ROLE_MISSING$/m,
        /^ROLE_MISSING .*Annotate the pod/m,
        /next: kubectl -n shop delete pod orders-debug {2}# then copy the pod/,
      ],
    },
  },
  {
    name: "a webhook configuration that was deleted",
    object: "pod/orders",
    prepare(store) {
      store.remove("mutatingwebhookconfigurations", undefined, "podrole");
      store.create("pods", barePod());
    },
    says: {
      explain: [
        /shop\n {2}if created now: not injected: podrole's webhook is not registered\n {2}once it is registered: injected \(INJECTED\)/,
        NEXT_REGISTER,
        /next: kubectl -n shop delete pod orders/,
      ],
      check: [
        /FAIL {2}WEBHOOK_REGISTERED/,
        /FAIL {2}PODS_INJECTED.*\n +next: kubectl apply -f manifests\/base\/webhook-configuration\.yaml .*\n +next: kubectl -n shop delete pod orders/,
      ],
      status: [/podrole's webhook is not registered: new pods are not injected/, NEXT_REGISTER],
    },
  },
  {
    name: "a quota that is used up",
    object: "deployment/orders",
    prepare: (store) => failsToCreate(store, QUOTA_MESSAGE),
    says: {
      explain: [
        /its pods cannot be created: ResourceQuota team of the namespace refuses them, podrole does not: .*exceeded quota: team/,
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
    prepare(store) {
      const data = { "bundle.pem": `${CA}${OTHER_CA}` };
      const trust = store.get("configmaps", "podrole", "podrole-trust");
      store.replace("configmaps", { ...trust, data });
      store.create("pods", podWith({ sidecar: endedWith("SERVER_UNTRUSTED", "Cannot trust podrole's server") }));
    },
    says: {
      explain: [
        /SERVER_UNTRUSTED: Cannot trust podrole's server -- /,
        /next: podrole rotate status.*\n +next: kubectl -n shop delete pod orders/,
      ],
      check: [
        /FAIL {2}SIDECARS_READY .*SERVER_UNTRUSTED/,
        /next: podrole rotate status.*\n +next: kubectl -n shop delete pod orders/,
      ],
      status: [
        /^SERVER_UNTRUSTED \(pod shop\/orders\): .* -- /m,
        /next: podrole rotate status.*\n +next: kubectl -n shop delete pod orders/,
      ],
      trust: [/another CA .* yes +no /, /podrole rotate status/],
    },
  },
  {
    name: "a migration that is half done",
    object: "pod/older",
    prepare(store) {
      const older = barePod();
      store.create("pods", { ...older, metadata: { ...older.metadata, name: "older" } });
      store.create("pods", podWith({ sidecar: READY }));
    },
    says: {
      explain: [
        /not injected/,
        /if created now: injected \(INJECTED\)/,
        /next: kubectl -n shop delete pod older {2}# then apply its manifest again/,
      ],
      check: [
        /FAIL {2}PODS_INJECTED {2}pod shop\/older: It is not injected, but would be/,
        /next: kubectl -n shop delete pod older/,
      ],
      status: [
        /^older .* not injected/m,
        /^orders .* ready /m,
        /next: podrole explain pod\/older -n shop/,
        /next: kubectl -n shop delete pod older/,
      ],
    },
  },
];

async function start(context: TestContext, { prepare }: Situation) {
  const { store, runAction } = await startOperatorCluster(context);
  createInstalledObjects(store);
  const bundle = { "bundle.pem": CA };
  store.create("configmaps", { metadata: { name: "podrole-trust", namespace: "podrole" }, data: bundle });
  prepare(store);
  return runAction;
}

suite("situations in which operators ask what is wrong", { concurrency: false }, () => {
  for (const situation of SITUATIONS) {
    test(`explain, check and status name cause and remedy of ${situation.name}`, async (context) => {
      const runAction = await start(context, situation);
      const commands = {
        explain: () => runAction(explainAction, [situation.object], { namespace: "shop" }),
        check: () => runAction(checkAction, [], { namespace: "shop", quiet: "true" }),
        status: () => runAction(statusAction, [], { namespace: "shop" }),
        refusals: () => runAction(statusAction, ["refusals"], { namespace: "shop" }),
        trust: () => runAction(statusAction, ["trust"], {}),
      };
      for (const [name, patterns] of Object.entries(situation.says)) {
        const { out, err, exitCode } = await commands[name as keyof typeof commands]();
        context.diagnostic(`${name} (exit code ${exitCode})\n${out}${err}`);
        if (name === "status") assert.equal(exitCode, situation.statusExitCode ?? 1);
        for (const pattern of patterns) assert.match(out, pattern, `${name}: ${out}${err}`);
      }
    });
  }
});
