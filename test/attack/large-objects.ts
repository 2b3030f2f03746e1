// A tenant fills a namespace of its own with objects of 1 MiB, or with thousands of smaller ones; then the watches
// break and their history is gone, so that everything is listed anew. What a program reads at once and what it keeps of
// each object must stay within its memory.
import { setTimeout as delay } from "node:timers/promises";
import { injectedPod } from "../injection/injected-pod.ts";
import { callFor, watchMemory } from "./measure.ts";
import type { AttackWorld } from "./world.ts";

const MIB = 1024 * 1024;
/** V8 keeps two bytes for each character of a text with one that is not in Latin-1. */
const WIDE = "ł";
const LONGEST = 16 * 1024;
const TENANT = "tenant";

const CASES = {
  "large-pods": {
    under: "server",
    objects: 150,
    title: "pods of 1 MiB, with podrole's label and 250 KiB of its annotations, then a new list of all pods",
    plural: "pods",
    ordinary: ["credentials", "certificate", "serverLiveness", "serverReadiness"],
    object: {
      metadata: { labels: { "podrole.io/injected": "true" }, annotations: longAnnotations() },
      spec: { containers: [{ name: "app", image: "a", env: [{ name: "LONG", value: "v".repeat(0.75 * MIB) }] }] },
    },
  },
  "large-accounts": {
    under: "webhook",
    objects: 150,
    title: "ServiceAccounts of 1 MiB, with 250 KiB of podrole's annotations, then a new list of all ServiceAccounts",
    plural: "serviceaccounts",
    ordinary: ["review", "webhookLiveness", "webhookReadiness"],
    object: {
      metadata: { annotations: { "iam.amazonaws.com/role": "r".repeat(0.25 * MIB) } },
      imagePullSecrets: Array.from({ length: 50_000 }, () => ({ name: "s" })),
    },
  },
  "many-pods": {
    under: "server",
    objects: 9_000,
    title: "injected pods with 32 KiB of podrole's annotations, then a new list of all pods",
    plural: "pods",
    ordinary: ["credentials", "certificate", "serverLiveness", "serverReadiness"],
    object: injectedWithLongAnnotations(),
  },
  "many-accounts": {
    under: "webhook",
    objects: 9_000,
    title: "ServiceAccounts with 16 KiB of podrole's annotations, then a new list of all ServiceAccounts",
    plural: "serviceaccounts",
    ordinary: ["review", "webhookLiveness", "webhookReadiness"],
    object: { metadata: { annotations: { "iam.amazonaws.com/role": WIDE + "r".repeat(LONGEST - 1) } } },
  },
} as const;

function injectedWithLongAnnotations() {
  const { metadata, spec } = injectedPod();
  const value = WIDE + "r".repeat(LONGEST - 100);
  const long = { "iam.amazonaws.com/role.a": value, "iam.amazonaws.com/role.b": value };
  return { metadata: { labels: metadata.labels ?? {}, annotations: { ...metadata.annotations, ...long } }, spec };
}

function longAnnotations(): Readonly<Record<string, string>> {
  const entries = Array.from({ length: 250 }, (_, index) => [`iam.amazonaws.com/role.c${index}`, "r".repeat(1_000)]);
  return Object.fromEntries(entries);
}

/** The names of the attacks. */
export const LARGE_OBJECTS = Object.keys(CASES) as readonly (keyof typeof CASES)[];

/** Returns one of the attacks. */
export function largeObjects(name: keyof typeof CASES) {
  const { title, plural, ordinary, object, objects, under: program } = CASES[name];
  // The large ones at the pace of a busy client; the many as fast as the API server takes them.
  const pauseEvery = Math.ceil(objects / 450);

  async function run(world: AttackWorld) {
    const { programs, groups, limits } = world;
    const { store, faults } = programs.cluster.kubernetes;
    const callers = ordinary.map((each) => world.ordinary[each]);
    const quiet = await callFor(callers, 2_000);
    const killedBefore = groups[program].usage().killed;
    const memory = watchMemory(groups[program]);
    if (store.find("namespaces", undefined, TENANT) === undefined) {
      store.create("namespaces", { metadata: { name: TENANT } });
    }

    async function attack(): Promise<void> {
      for (let index = 0; index < objects; index++) {
        const metadata = { ...object.metadata, name: `large-${index}`, namespace: TENANT };
        store.create(plural, { ...structuredClone(object), metadata });
        if (index % pauseEvery === 0) await delay(20);
      }
      faults.compact();
      faults.dropWatches();
    }

    const attacking = attack();
    const beside = await callFor(callers, 20_000);
    await attacking;
    const { peakBytes, cpuShare } = memory.stop();
    for (let index = 0; index < objects; index++) store.remove(plural, TENANT, `large-${index}`);
    const failed = beside.filter(({ failures }) => failures > 0).map((each) => `${each.name}: ${each.failure}`);
    const slow = beside.filter(({ p99 }, index) => p99 > Math.max(3 * (quiet[index]?.p99 ?? 0), 1_000));
    const problems = [
      ...(groups[program].usage().killed > killedBefore ? ["the kernel killed it: out of memory"] : []),
      ...failed,
      ...slow.map(({ name: caller, p99 }) => `${caller}: p99 ${p99} ms`),
    ];
    return { quiet, beside, peakBytes, limitBytes: limits[program], cpuShare, problems };
  }

  return Object.assign(run, { title: `${objects} ${title}`, under: program });
}
