// What is wrong in each situation of situations.test.ts: how the cluster comes into it, how an operator looks at it
// with kubectl, what podrole says is the cause, and which of the printed commands end it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { partsOfStep } from "../../../src/operations/step-parts.ts";
import { trialSteps } from "../../../src/operations/trial-pod.ts";
import { ROOT } from "../../files.ts";
import { appContainer } from "./pods.ts";
import { runPodrole } from "./run-podrole.ts";
import {
  applyPod,
  createDeployment,
  createNamespace,
  createOlderPod,
  IDLE,
  inNamespace,
  looksAt,
  podIsReady,
  untilRolledOut,
  untilWell,
} from "./situation-objects.ts";
import type { OperatorShell } from "./situation-steps.ts";
import { kubectl, Not, rolledOut, scaleDeployment, untilSuccess } from "./suite.ts";

/** One situation of the cluster. */
export interface RealSituation {
  readonly name: string;
  readonly namespace: string;
  readonly object: string;
  /** Begins before the first situation, because it takes time and concerns this namespace alone. */
  readonly prepareEarly?: () => Promise<void>;
  readonly prepare?: () => Promise<void>;
  /** Commands of kubectl with which an operator looks at it first. */
  readonly looks: readonly string[];
  /** In what explain, check and status print. */
  readonly cause: RegExp;
  readonly scope?: RegExp;
  /** In what podrole status refusals prints. */
  readonly refusals?: RegExp;
  /** The commands that they print, in their order. */
  readonly next: readonly RegExp[];
  /** Which of them are run: those that need no AWS, and no decision. */
  readonly run: readonly number[];
  /** Repairs what the whole cluster needs, whatever has become of the test. */
  readonly repair?: () => Promise<void>;
  /** Fails unless the commands have helped. */
  readonly recovers?: (ran: { readonly shell: OperatorShell; readonly commands: readonly string[] }) => Promise<void>;
}

const ACCOUNT = "arn:aws:iam::123456789012:role/";

/** Tries the role with a pod of its own. */
const TRIED = /^kubectl -n \S+ run \S+-trial --image=localhost\/podrole-test:1 .* --attach --rm .* -- true$/;
const RECREATED = [
  /^kubectl -n (\S+) get pod\/(\S+) -o yaml > \1\.\2\.yaml$/,
  /^kubectl -n \S+ replace --force -f \S+\.yaml$/,
];
/** The way back: the pod as it was. */
const RESTORED =
  /^kubectl annotate --local -f \S+\.yaml podrole\.io\/inject=disabled .* \| kubectl -n \S+ replace --force /;
const LIMITED = appContainer("app", "stay", { resources: { limits: { memory: "128Mi", cpu: "200m" } } });

/** The situations, in the order in which they are brought about; the last three concern the whole cluster. */
export const REAL_SITUATIONS: readonly RealSituation[] = [
  {
    name: "a role with a typing error, which the namespace does not permit",
    namespace: "shop-1",
    object: "deployment/orders",
    async prepareEarly() {
      await createNamespace("shop-1", { annotations: { "iam.amazonaws.com/permitted": `${ACCOUNT}shop-orders` } });
      await createDeployment("shop-1", { role: "shop-oders" }, 2);
    },
    looks: looksAt("shop-1", "deployment"),
    cause: /cause: .*podrole refuses them: ROLE_FORBIDDEN: /,
    next: [
      /^kubectl -n shop-1 patch deployment\/orders .*"shop-orders"/,
      /^kubectl annotate --overwrite namespace/,
      /^kubectl -n shop-1 rollout restart deployment\/orders$/,
    ],
    run: [0],
    recovers: () => untilRolledOut("shop-1"),
  },
  {
    name: "a role that does not trust the server",
    namespace: "shop-2",
    object: "pod/orders",
    async prepareEarly() {
      await createNamespace("shop-2");
      await applyPod("shop-2", { role: "shop-untrusted" });
    },
    looks: looksAt("shop-2", "pod"),
    cause: /cause: STS_DENIED: (?:container "app": )?Cannot assume role \S+shop-untrusted: AccessDenied: /,
    next: [
      /^kubectl -n aws port-forward service\/sts 4566$/,
      /^export AWS_ENDPOINT_URL=http:\/\/localhost:4566$/,
      /^aws iam get-role --role-name shop-untrusted .* > role\.json$/,
      /^kubectl -n shop-2 annotate pod\/orders iam\.amazonaws\.com\/role=ROLE /,
      /^jq '\.Arn, .*select.*' role\.json$/,
      /^kubectl -n shop-2 annotate pod\/orders iam\.amazonaws\.com\/role=ARN /,
      /^jq '.*\.Statement \|= .*' role\.json > new-trust\.json$/,
      /^aws iam update-assume-role-policy /,
      /external-id=ID /,
      /^jq \.AssumeRolePolicyDocument role\.json > new-trust\.json$/,
      /^podrole aws policy /,
      /^aws iam put-user-policy /,
      /^aws iam simulate-principal-policy /,
    ],
    run: [],
    async recovers({ shell, commands }) {
      const service = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
      const arn = `${ACCOUNT}shop-untrusted`;
      // What the first command of aws would have written.
      const role = { Arn: arn, AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: service } };
      writeFileSync(join(shell.folder, "role.json"), JSON.stringify(role));
      const [, , , , look = "", , add = ""] = commands;
      assert.deepEqual(await shell.run(look), { code: 0, out: `${JSON.stringify(arn)}\n` });
      const { code, out } = await shell.run(`${add} && cat new-trust.json`);
      assert.equal(code, 0, out);
      const trusting = JSON.parse(out) as { Statement: readonly object[] };
      const server = { AWS: "arn:aws:iam::123456789012:user/podrole-server" };
      const added = { Effect: "Allow", Principal: server, Action: "sts:AssumeRole" };
      assert.deepEqual(trusting.Statement, [service, added]);
      writeFileSync(join(shell.folder, "role.json"), JSON.stringify({ Arn: arn, AssumeRolePolicyDocument: trusting }));
      const looked = await shell.run(look.replace("jq ", "jq --compact-output "));
      assert.deepEqual(looked.out, `${JSON.stringify(arn)}\n${JSON.stringify(added)}\n`);
      // What a trial says of a role that STS does not give.
      const tried = { namespace: "shop-2", name: "orders", creator: "Pod/orders", role: "shop-untrusted" };
      const [trial = ""] = trialSteps({ ...tried, images: { app: "localhost/podrole-test:1" } });
      const refused = await shell.run(partsOfStep(trial).command.replace("=2m", "=20s"));
      assert.notEqual(refused.code, 0, refused.out);
    },
  },
  {
    name: "a role that was changed on a running pod",
    namespace: "shop-4",
    object: "pod/orders",
    async prepareEarly() {
      await createNamespace("shop-4");
      await applyPod("shop-4", { role: "shop-orders" });
    },
    async prepare() {
      await podIsReady("shop-4");
      await inNamespace("shop-4")(["annotate", "pod", "orders", "--overwrite", "iam.amazonaws.com/role=shop-mailer"]);
    },
    looks: looksAt("shop-4", "pod"),
    cause:
      /cause: container app holds \S+shop-orders, and the pod's iam\.amazonaws\.com\/role now names \S*shop-mailer/,
    next: [
      /^kubectl -n shop-4 annotate pod\/orders .*shop-orders --overwrite$/,
      TRIED,
      ...RECREATED,
      /^kubectl annotate --local -f \S+\.orders\.yaml iam\.amazonaws\.com\/role=\S+shop-orders .* replace --force -f -$/,
    ],
    run: [0],
    recovers: () => untilWell("shop-4"),
  },
  {
    name: "a namespace without the label",
    namespace: "shop-5",
    object: "pod/orders",
    async prepareEarly() {
      await createNamespace("shop-5");
      await kubectl.ok(["label", "namespace", "shop-5", "podrole.io/inject-"]);
      await applyPod("shop-5", { role: "shop-orders", containers: [IDLE] });
    },
    looks: looksAt("shop-5", "pod"),
    cause: /cause: namespace shop-5 does not have the label podrole\.io\/inject: enabled/,
    next: [/^kubectl label namespace shop-5 podrole\.io\/inject=enabled$/, TRIED, ...RECREATED, RESTORED],
    run: [0, 1, 2, 3],
    async recovers({ shell, commands }) {
      await untilWell("shop-5");
      const back = await shell.run(commands[4] ?? "");
      assert.equal(back.code, 0, back.out);
      const containers = "jsonpath={.spec.initContainers[*].name} {.spec.containers[*].name}";
      assert.equal((await inNamespace("shop-5")(["get", "pod", "orders", "-o", containers])).trim(), "app");
    },
  },
  {
    name: "a debug copy of a pod, without its annotations and labels",
    namespace: "shop-6",
    object: "pod/orders-debug",
    async prepareEarly() {
      await createNamespace("shop-6");
      await applyPod("shop-6", { role: "shop-orders" });
    },
    async prepare() {
      await podIsReady("shop-6");
      const image = "--image=localhost/podrole-test:1";
      await inNamespace("shop-6")(["debug", "orders", "--copy-to=orders-debug", image, "--", "sleep", "3600"]);
    },
    looks: looksAt("shop-6", "pod"),
    cause: /cause: NO_ROLE: the pod is a copy of pod orders, as kubectl debug makes it/,
    next: [
      /^kubectl -n shop-6 logs pod\/orders-debug -c app$/,
      /^kubectl -n shop-6 delete pod\/orders-debug$/,
      /^kubectl -n shop-6 debug pod\/orders .*--keep-annotations /,
    ],
    run: [0, 1, 2],
    recovers: () => untilWell("shop-6", "pod/orders-debug"),
  },
  {
    name: "a quota that is used up",
    namespace: "shop-8",
    object: "deployment/orders",
    async prepareEarly() {
      await createNamespace("shop-8");
      const spec = { hard: { "limits.memory": "300Mi" } };
      const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "team" }, spec };
      await inNamespace("shop-8")(["apply", "-f", "-"], JSON.stringify(quota));
      await createDeployment("shop-8", { role: "shop-orders", containers: [LIMITED] }, 2);
    },
    looks: looksAt("shop-8", "deployment"),
    cause: /cause: .*ResourceQuota team of the namespace refuses them/,
    next: [
      /^kubectl -n shop-8 describe quota\/team$/,
      /^kubectl -n shop-8 patch quota\/team .*"limits\.memory":/,
      /^kubectl -n shop-8 rollout restart deployment\/orders$/,
    ],
    run: [0, 1, 2],
    recovers: () => untilRolledOut("shop-8"),
  },
  {
    name: "a migration that is half done",
    namespace: "shop-10",
    object: "pod/older",
    async prepareEarly() {
      await createOlderPod("shop-10");
      await applyPod("shop-10", { role: "shop-orders" });
    },
    prepare: () => podIsReady("shop-10"),
    looks: looksAt("shop-10", "pod"),
    cause:
      /cause: the pod \(created \S+\) is older than its namespace's label podrole\.io\/inject: enabled \(set \S+\)/,
    next: [TRIED, ...RECREATED, RESTORED],
    run: [0, 1, 2],
    recovers: () => untilWell("shop-10", "pod/older"),
  },
  {
    name: "a server without a ready replica",
    namespace: "shop-3",
    object: "pod/orders",
    async repair() {
      await kubectl.ok([
        "-n",
        "podrole",
        "set",
        "image",
        "deployment/podrole-server",
        "server=localhost/podrole-server:0.1.0",
      ]);
      await rolledOut("podrole", "deployment/podrole-server");
    },
    async prepare() {
      await scaleDeployment("podrole-server", 0);
      const image = "server=registry.invalid/podrole-server:0.2.0";
      await kubectl.ok(["-n", "podrole", "set", "image", "deployment/podrole-server", image]);
      await kubectl.ok(["-n", "podrole", "scale", "deployment/podrole-server", "--replicas=2"]);
      await createNamespace("shop-3");
      await applyPod("shop-3", { role: "shop-orders" });
      const ended = "jsonpath={.status.initContainerStatuses[0].lastState.terminated.message}";
      await untilSuccess("the end of the hook", async () => {
        const message = await inNamespace("shop-3")(["get", "pod", "orders", "-o", ended]);
        return message === "" ? new Not("it waits") : message;
      });
    },
    looks: [...looksAt("shop-3", "pod"), "kubectl -n podrole get pods"],
    cause: /cause: podrole's server has no ready replica .*(?:ImagePullBackOff|ErrImagePull)/,
    scope:
      /scope: .*; \d+ pods? waits? now, \d+ running pods? ha(?:s|ve) credentials and cannot renew them: these expire at /,
    next: [
      /^kubectl -n podrole describe pod\/podrole-server-/,
      /^kubectl -n podrole rollout undo deployment\/podrole-server --to-revision=\d+$/,
    ],
    run: [0, 1],
    async recovers() {
      await rolledOut("podrole", "deployment/podrole-server");
      await podIsReady("shop-3");
      await untilWell("shop-3");
    },
  },
  {
    name: "a webhook configuration that was deleted",
    namespace: "shop-7",
    object: "deployment/orders",
    async repair() {
      await kubectl.ok(["apply", "-f", join(ROOT, "manifests/base/webhook-configuration.yaml")]);
    },
    async prepare() {
      await createOlderPod("shop-7");
      await kubectl.ok(["delete", "mutatingwebhookconfiguration", "podrole"]);
      await createDeployment("shop-7", { role: "shop-orders" }, 2);
    },
    looks: [...looksAt("shop-7", "deployment"), "kubectl get mutatingwebhookconfigurations"],
    cause: /cause: .*podrole's webhook is not registered/,
    scope: /scope: .*; 1 pod that names a role runs without podrole: shop-7\/older/,
    next: [
      /^podrole check --print-webhook \| kubectl apply -f -$/,
      /^podrole check --quiet$/,
      /^kubectl -n shop-7 rollout restart deployment\/orders$/,
    ],
    run: [0],
    async recovers({ shell, commands }) {
      const caBundle = "jsonpath={.webhooks[*].clientConfig.caBundle}";
      await untilSuccess("caBundle of the webhook", async () => {
        const bundle = await kubectl.ok(["get", "mutatingwebhookconfiguration", "podrole", "-o", caBundle]);
        return bundle === "" ? new Not("it is empty") : bundle;
      });
      assert.equal((await shell.run(commands[2] ?? "")).code, 0);
      await untilRolledOut("shop-7");
    },
  },
  {
    name: "a rotation in which a pod does not trust the new CA",
    namespace: "shop-9",
    object: "pod/orders",
    async prepare() {
      await createNamespace("shop-9");
      await scaleDeployment("podrole-server", 0);
      await applyPod("shop-9", { role: "shop-orders" });
      for (const step of ["prepare", "activate"]) {
        const { code, err } = await runPodrole(["rotate", step, "--force"]);
        assert.equal(code, 0, err);
      }
      await scaleDeployment("podrole-server", 2);
    },
    looks: [...looksAt("shop-9", "pod"), "podrole status trust"],
    cause: /cause: .*SERVER_UNTRUSTED: .*created without 1 of the 2 CAs/,
    scope: /scope: .*; 1 pod waits for credentials with SERVER_UNTRUSTED; .*1 running pod .*; a new pod has the CA/,
    refusals: /^\S.* orders +- +SERVER_UNTRUSTED /m,
    next: [...RECREATED, /^podrole rotate status$/],
    run: [0, 1, 2],
    recovers: () => untilWell("shop-9"),
  },
];
