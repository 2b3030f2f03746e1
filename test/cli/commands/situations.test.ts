// Situations in which operators ask what is wrong: what explain, check and status say in each of them, against the API
// server emulator. Each output is printed (as a diagnostic), and must name the cause and what to do.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { checkAction } from "../../../src/cli/commands/check.ts";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import { statusAction } from "../../../src/cli/commands/status.ts";
import { ERRORS, type ErrorCode } from "../../../src/protocol/errors.ts";
import { barePod, CA, createInstalledObjects, OTHER_CA } from "../../operations/check/healthy.ts";
import { podWith, READY } from "../../operations/status/pods.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

type Cluster = Awaited<ReturnType<typeof startOperatorCluster>>;

interface Situation {
  readonly name: string;
  readonly object: string;
  /** Changes a healthy installation. */
  readonly prepare: (store: Cluster["store"]) => void;
  /** What each command must say, cause and remedy; a command that has nothing to say about it is left out. */
  readonly says: { readonly [Command in "explain" | "check" | "status" | "refusals" | "trust"]?: readonly RegExp[] };
}

/** A sidecar that ended with a code, as the kubelet describes it between two starts. */
function endedWith(code: ErrorCode, reason: string, waiting = "CrashLoopBackOff"): object {
  const message = `${code}: ${reason} -- ${ERRORS[code].remedy}`;
  const terminated = { exitCode: 1, finishedAt: "2026-06-01T11:59:00Z", message };
  return { restartCount: 3, state: { waiting: { reason: waiting } }, lastState: { terminated } };
}

function deploymentWith(message: string): object {
  const spec = { containers: [{ name: "app", image: "app:1" }] };
  const metadata = { annotations: { "iam.amazonaws.com/role": "payroll-admin" } };
  return {
    metadata: { name: "orders", namespace: "shop" },
    spec: { template: { metadata, spec } },
    status: { conditions: [{ type: "ReplicaFailure", status: "True", message }] },
  };
}

/** The same pod as its author may change it. */
function annotated(pod: ReturnType<typeof podWith>, annotations: Readonly<Record<string, string>>) {
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } } };
}

const DENIED =
  'admission webhook "pods.podrole.io" denied the request: ROLE_FORBIDDEN: Cannot give role payroll-admin: namespace "shop" does not permit it; expected another role -- Permit the role';

const SITUATIONS: readonly Situation[] = [
  {
    name: "a role with a typing error, which the namespace does not permit",
    object: "deployment/orders",
    prepare(store) {
      store.create("deployments", deploymentWith(DENIED) as never);
      store.create("events", {
        metadata: { name: "orders.1", namespace: "shop" },
        involvedObject: { kind: "ReplicaSet", namespace: "shop", name: "orders-1" },
        ...{ reason: "FailedCreate", message: `Error creating: ${DENIED}`, lastTimestamp: "2026-06-01T12:00:00Z" },
      });
    },
    says: {
      explain: [/its pods cannot be created: .*ROLE_FORBIDDEN: .* -- Permit the role/, /refuse \(ROLE_FORBIDDEN\)/],
      refusals: [/replicaset\/orders-1 +- +ROLE_FORBIDDEN/, /^ROLE_FORBIDDEN .*Permit the role/m],
    },
  },
  {
    name: "a role that does not trust the server",
    object: "pod/orders",
    prepare: (store) => store.create("pods", podWith({ sidecar: endedWith("STS_DENIED", "Cannot assume role") })),
    says: {
      explain: [/CrashLoopBackOff/, /STS_DENIED: Cannot assume role -- /],
      check: [/FAIL {2}SIDECARS_READY {2}pod shop\/orders: .*STS_DENIED: Cannot assume role -- /],
      status: [/^orders .* STS_DENIED$/m, /^STS_DENIED \(pod shop\/orders\): Cannot assume role -- /m],
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
        /no ready replica .*kubectl -n podrole describe/,
      ],
      check: [/FAIL {2}SERVER_READY .*None of 2 replicas/, /see docs\/checks\.md#server_ready/],
      status: [/^podrole's server has no ready replica \(0 of 2; kubectl -n podrole describe/m, /SERVER_UNREACHABLE/],
    },
  },
  {
    name: "a role that was changed on a running pod",
    object: "pod/orders",
    prepare: (store) => store.create("pods", annotated(podWith(), { "iam.amazonaws.com/role": "shop-other" })),
    says: {
      explain: [
        /container app: arn:\S+shop-orders at admission/,
        /differs: .*shop-orders, and the decision now is \S+shop-other: the role was changed after admission/,
      ],
      status: [/^orders +app +shop-orders +ready /m],
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
      ],
      check: [/warn {2}PODS_INJECTED {2}pod shop\/orders: .*NAMESPACE_NOT_LABELLED/],
      status: [/^orders .* not injected/m, /kubectl label namespace shop podrole\.io\/inject=enabled/],
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
        /skip \(NO_ROLE\)/,
      ],
      check: [/FAIL {2}SIDECARS_READY {2}pod shop\/orders-debug: .*ROLE_MISSING/],
      status: [/^orders-debug .* ROLE_MISSING$/m, /^ROLE_MISSING .*Annotate the pod/m],
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
      explain: [/podrole's webhook is not registered: no pod is injected/],
      check: [/FAIL {2}WEBHOOK_REGISTERED/, /FAIL {2}PODS_INJECTED/],
      status: [/podrole's webhook is not registered: .*apply manifests\/base\/webhook-configuration\.yaml/],
    },
  },
  {
    name: "a quota that is used up",
    object: "deployment/orders",
    prepare(store) {
      const message =
        'pods "orders-1" is forbidden: exceeded quota: team, requested: limits.memory=96Mi, used: limits.memory=1Gi';
      store.create("deployments", deploymentWith(message) as never);
    },
    says: { explain: [/its pods cannot be created: .*exceeded quota: team/] },
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
      explain: [/SERVER_UNTRUSTED: Cannot trust podrole's server -- /],
      status: [/^SERVER_UNTRUSTED \(pod shop\/orders\): .* -- /m],
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
      explain: [/not injected/, /if created now: inject/],
      check: [/FAIL {2}PODS_INJECTED {2}pod shop\/older: It is not injected, but would be/],
      status: [/^older .* not injected/m, /^orders .* ready /m, /podrole explain pod\/older -n shop says why/],
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
        for (const pattern of patterns) assert.match(out, pattern, `${name}: ${out}${err}`);
      }
    });
  }
});
