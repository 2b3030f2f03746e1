// A tenant fills a namespace of its own with objects of 1 MiB; then the watches break and their history is gone, so
// that everything is listed anew. What a program reads at once and what it keeps of each object must stay within its
// memory.
import { setTimeout as delay } from "node:timers/promises";
import { callFor, watchMemory } from "./measure.ts";
import type { AttackWorld } from "./world.ts";

const [OBJECTS, SHORT_OBJECTS] = [150, 60];
const MIB = 1024 * 1024;
const TENANT = "tenant";

const CASES = {
  server: {
    title: "pods of 1 MiB, with podrole's label and 250 KiB of its annotations, then a new list of all pods",
    plural: "pods",
    ordinary: ["credentials", "certificate", "serverLiveness", "serverReadiness"],
    object: {
      metadata: { labels: { "podrole.io/injected": "true" }, annotations: longAnnotations() },
      spec: { containers: [{ name: "app", image: "a", env: [{ name: "LONG", value: "v".repeat(0.75 * MIB) }] }] },
    },
  },
  webhook: {
    title: "ServiceAccounts of 1 MiB, with 250 KiB of podrole's annotations, then a new list of all ServiceAccounts",
    plural: "serviceaccounts",
    ordinary: ["review", "webhookLiveness", "webhookReadiness"],
    object: {
      metadata: { annotations: { "iam.amazonaws.com/role": "r".repeat(0.25 * MIB) } },
      imagePullSecrets: Array.from({ length: 50_000 }, () => ({ name: "s" })),
    },
  },
} as const;

function longAnnotations(): Readonly<Record<string, string>> {
  const entries = Array.from({ length: 250 }, (_, index) => [`iam.amazonaws.com/role.c${index}`, "r".repeat(1_000)]);
  return Object.fromEntries(entries);
}

/** Returns the attack on one program. */
export function largeObjects(program: keyof typeof CASES) {
  const { title, plural, ordinary, object } = CASES[program];

  async function run(world: AttackWorld, isShort: boolean) {
    const { programs, groups, limits } = world;
    const { store, faults } = programs.cluster.kubernetes;
    const callers = ordinary.map((name) => world.ordinary[name]);
    const count = isShort ? SHORT_OBJECTS : OBJECTS;
    const quiet = await callFor(callers, 2_000);
    const killedBefore = groups[program].usage().killed;
    const memory = watchMemory(groups[program]);
    if (store.find("namespaces", undefined, TENANT) === undefined) {
      store.create("namespaces", { metadata: { name: TENANT } });
    }

    async function attack(): Promise<void> {
      for (let index = 0; index < count; index++) {
        const metadata = { ...object.metadata, name: `large-${index}`, namespace: TENANT };
        store.create(plural, { ...structuredClone(object), metadata });
        await delay(20);
      }
      faults.compact();
      faults.dropWatches();
    }

    const attacking = attack();
    const beside = await callFor(callers, isShort ? 8_000 : 20_000);
    await attacking;
    const { peakBytes, cpuShare } = memory.stop();
    for (let index = 0; index < count; index++) store.remove(plural, TENANT, `large-${index}`);
    const failed = beside.filter(({ failures }) => failures > 0).map(({ name, failure }) => `${name}: ${failure}`);
    const slow = beside.filter(({ p99 }, index) => p99 > Math.max(3 * (quiet[index]?.p99 ?? 0), 1_000));
    const problems = [
      ...(groups[program].usage().killed > killedBefore ? ["the kernel killed it: out of memory"] : []),
      ...failed,
      ...(isShort ? [] : slow.map(({ name, p99 }) => `${name}: p99 ${p99} ms`)),
    ];
    return { quiet, beside, peakBytes, limitBytes: limits[program], cpuShare, problems };
  }

  return Object.assign(run, { title: `${OBJECTS} ${title}`, under: program });
}
