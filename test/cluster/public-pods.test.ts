// Pods of other people through podrole's command line and its real webhook on a real API server: injected, accepted,
// the same when injected again, restored by uninject, in their QoS class and at their PodSecurity level. The folder is
// PODROLE_TEST_PODS; node test/cluster/control-plane.ts --pods FOLDER runs this file alone.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { until } from "../../emulators/until.ts";
import { injectAction, uninjectAction } from "../../src/cli/commands/inject.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { parseObjects } from "../../src/operations/manifests/parse-objects.ts";
import { templatesOf } from "../../src/operations/manifests/templates.ts";
import { createTerminal } from "../cli/terminal.ts";
import { measuredNow } from "../published-results.ts";
import { CLUSTER_ACCOUNT, CLUSTER_REGION, type Installation, installOnCluster } from "./installation.ts";
import { createKubectl } from "./kubectl.ts";
import { createDryRuns, type DryRun } from "./public-pods/dry-run.ts";
import { type PodManifests, readFolder } from "./public-pods/manifests.ts";
import { publicPodResults } from "./public-pods/results.ts";

const {
  KUBECONFIG: kubeconfig = "",
  KUBECTL: binary = "kubectl",
  PODROLE_TEST_HOST: host = "127.0.0.1",
  PODROLE_TEST_API_SERVER_CA: apiServerCa,
  PODROLE_TEST_PODS: folder = "",
  PODROLE_TEST_PUBLISH: publish,
} = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
/** From the strictest to the most permissive. */
const LEVELS = ["restricted", "baseline", "privileged"] as const;
const ANNOTATIONS = { "iam.amazonaws.com/permitted": ".*", "iam.amazonaws.com/default-role": "shop-orders" };
const INJECTED = "podrole.io/injected";
const { files, unread } = readFolder(folder);

const count = { files: 0, textPods: 0, injected: 0, skipped: 0, toBurstable: 0, invalid: 0 };
const levels = { restricted: 0, baseline: 0, privileged: 0 };

interface PodWithStatus extends Pod {
  readonly status?: { readonly qosClass?: string };
}

const classOf = (pod: Pod) => (pod as PodWithStatus).status?.qosClass;
const isInjected = ({ metadata }: Pod) => metadata.labels?.[INJECTED] === "true";

/** What does not differ between two creations of one pod: without generated names and times. */
function comparable({ metadata, spec }: Pod): unknown {
  const { labels = {}, annotations = {} } = metadata;
  const named = JSON.stringify({ labels, annotations, spec });
  return JSON.parse(named.replaceAll(/kube-api-access-[a-z0-9]{5}/g, "kube-api-access")) as unknown;
}

/** A pod as a user would create it from what the API server returned. */
function createdAgain({ metadata: { labels, annotations }, spec }: Pod): Pod {
  const given = { ...(labels && { labels }), ...(annotations && { annotations }) };
  return { apiVersion: "v1", kind: "Pod", metadata: { generateName: "pod-", ...given }, spec };
}

function accepted(result: DryRun, where: string): Pod {
  return "pod" in result ? result.pod : assert.fail(`${where}: ${result.refused}`);
}

suite("pods of other people", { timeout: 1_200_000 }, () => {
  let podrole: Installation;
  let directory: string;
  const dryRun = createDryRuns(kubeconfig);
  const region = CLUSTER_REGION;

  before(async () => {
    podrole = await installOnCluster(kubectl, { kubeconfig, host, apiServerCa, images: {}, roles: [] });
    const bundle = String.raw`jsonpath={.data.bundle\.pem}`;
    const pem = await kubectl.ok(["-n", "podrole", "get", "configmap", "podrole-trust", "-o", bundle]);
    directory = await mkdtemp(join(tmpdir(), "podrole-pods-"));
    await writeFile(join(directory, "bundle.pem"), pem);
    const namespaces = LEVELS.flatMap((level) => [`plain-${level}`, `injected-${level}`].map(namespaceAt(level)));
    const objects: readonly object[] = [...namespaces, ...requiredObjects()];
    await kubectl.ok(["apply", "-f", "-"], objects.map((each) => `---\n${JSON.stringify(each)}\n`).join(""));
    const last = ["-n", "injected-privileged", "get", "serviceaccount", "default"];
    await until(async () => (await kubectl.run(last)).code === 0, "the default ServiceAccount");
  });
  after(async () => {
    await podrole?.uninstall();
    await rm(directory, { recursive: true, force: true });
    for (const level of LEVELS)
      await kubectl.run(["delete", "namespace", `plain-${level}`, `injected-${level}`, "--wait=false"]);
    const total = files.reduce((sum, { pods }) => sum + pods.length, 0);
    const sources = [...new Set(files.flatMap(({ name }) => (name.includes("/") ? [name.split("/", 1).join()] : [])))];
    const results = { ...measuredNow(), sources, ...count, pods: total, ...levels };
    console.log(JSON.stringify(results));
    if (publish === "true") publicPodResults.write(results);
  });

  const namespaceAt = (level: string) => (name: string) => {
    const inject = name.startsWith("injected") && { "podrole.io/inject": "enabled" };
    const labels = { "pod-security.kubernetes.io/enforce": level, ...inject };
    return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels, annotations: ANNOTATIONS } };
  };

  /** ServiceAccounts and priority classes, without which the API server accepts no pod that names them. */
  function requiredObjects() {
    const specs = files.flatMap(({ pods }) => pods.map(({ pod }) => pod.spec));
    const namesOf = (...fields: readonly string[]) =>
      [...new Set(fields.flatMap((field) => specs.map((spec) => spec[field])))].filter(
        (name) => typeof name === "string" && name !== "" && name !== "default",
      );
    const accounts = LEVELS.flatMap((level) => [`plain-${level}`, `injected-${level}`]).flatMap((each) =>
      namesOf("serviceAccountName", "serviceAccount").map((name) => ({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name, namespace: each },
      })),
    );
    const classes = namesOf("priorityClassName").filter((name) => !String(name).startsWith("system-"));
    return [
      ...accounts,
      ...classes.map((name) => ({
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: { name },
        value: 1,
      })),
    ];
  }

  async function run(action: typeof injectAction, stdin: string, flags: Readonly<Record<string, string>>) {
    const env = {
      PODROLE_SERVER_ADDRESS: "podrole-server.podrole.svc:8444",
      PODROLE_IDENTITY_ADDRESS: "podrole-server.podrole.svc:8443",
      PODROLE_PROOF_FILE: "/var/run/podrole/token",
      PODROLE_REGION: region,
      PODROLE_ROLE_BASE_ARN: `arn:aws:iam::${CLUSTER_ACCOUNT}:role/`,
    };
    const terminal = createTerminal({ env, stdin });
    const exitCode = await action(terminal, { filename: "-", ...flags }, []);
    return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
  }

  /** The file's text behind its namespaces, each with a default role. JSON has one document, so it has none. */
  function textOf({ text, namespaces }: PodManifests): string {
    if (text.trimStart().startsWith("{")) return text;
    const labels = { "podrole.io/inject": "enabled" };
    const own = namespaces.map((name) =>
      JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels, annotations: ANNOTATIONS } }),
    );
    return `${own.map((each) => `---\n${each}\n`).join("")}---\n${text}`;
  }

  for (const file of files) {
    test(`${file.name}: podrole uninject restores every byte of podrole inject, which changes nothing twice`, async () => {
      const flags = { trustBundle: join(directory, "bundle.pem"), permitted: ".*" };
      const plain = textOf(file);
      const injected = await run(injectAction, plain, flags);
      const accepts = async (pod: Pod) => "pod" in (await dryRun("plain-privileged", pod));
      const isAccepted = await Promise.all(file.pods.map(({ pod }) => accepts(pod)));
      // 1: podrole refuses a pod, which Kubernetes does too.
      assert.ok(injected.exitCode === 0 || (injected.exitCode === 1 && isAccepted.includes(false)), injected.err);
      assert.equal((await run(injectAction, injected.out, flags)).out, injected.out);
      assert.equal((await run(uninjectAction, injected.out, {})).out, plain);
      count.files += 1;
      for (const object of parseObjects(injected.out, file.name).objects) {
        for (const { pod } of templatesOf(object)) {
          if (!isInjected(pod)) continue;
          // What the API server refuses without podrole too is counted with the pod itself.
          if (await accepts(createdAgain(pod))) count.textPods += 1;
          else assert.equal(await accepts(createdAgain(uninject(pod, { region }))), false, file.name);
        }
      }
    });

    for (const { name, pod } of file.pods) {
      test(`${file.name} ${name}: the webhook keeps QoS class and PodSecurity level, and uninject restores it`, async (context) => {
        let plain: DryRun = { refused: "" };
        const level = await firstLevel(async (each) => {
          plain = await dryRun(`plain-${each}`, pod);
          return "pod" in plain;
        });
        if (level === undefined) {
          count.invalid += 1;
          context.skip(
            `Kubernetes refuses it without podrole: ${"refused" in plain ? plain.refused.slice(0, 200) : ""}`,
          );
          return;
        }
        const before = accepted(plain, "without podrole");
        const where = `injected-${level}`;
        const found = accepted(await dryRun(where, pod), where);
        const again = accepted(await dryRun(where, createdAgain(found)), `${where}, again`);
        assert.deepEqual(comparable(again), comparable(found));
        levels[level] += 1;
        if (!isInjected(found)) {
          count.skipped += 1;
          assert.ok(isDeepStrictEqual(comparable(withoutMark(found)), comparable(before)));
          return;
        }
        count.injected += 1;
        assert.deepEqual(comparable(uninject(found, { region })), comparable(before));
        if (classOf(before) === "BestEffort") count.toBurstable += 1;
        assert.equal(classOf(found), classOf(before) === "BestEffort" ? "Burstable" : classOf(before));
      });
    }
  }

  for (const { name, text, problem } of unread) {
    test(`${name}: kubectl does not read it either: ${problem.slice(0, 120)}`, async () => {
      const { code } = await kubectl.run(["annotate", "--local", "-o", "json", "-f", "-", "read=1"], text);
      assert.notEqual(code, 0);
    });
  }
});

async function firstLevel(isAccepted: (level: (typeof LEVELS)[number]) => Promise<boolean>) {
  for (const level of LEVELS) if (await isAccepted(level)) return level;
  return undefined;
}

/** Without the label of a skipped pod whose role has no effect. */
function withoutMark(pod: Pod): Pod {
  const { "podrole.io/skipped": _skipped, ...labels } = pod.metadata.labels ?? {};
  return { ...pod, metadata: { ...pod.metadata, labels } };
}
