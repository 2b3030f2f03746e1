// npm run bench:overload: what the server does with more callers than it can serve (root). Server and webhook are the
// bundles of the image, each in a cgroup with the memory limit of the manifests; the server has half a core, so that
// the clients of the same machine can offer it more than it can do. The Kubernetes API, STS and all clients are in this
// process, so figures are comparable within one run only.
//   --seconds 60   of the overload
//   --pods 5000    whose credentials have expired
//   --publish      writes overload-results.json
import { spawnSync } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import {
  type ClientIdentity,
  getCredentials,
  requestCertificate,
  type ServerEndpoint,
} from "../../src/protocol/client.ts";
import { toPodroleError } from "../../src/protocol/errors.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { failedRenewal } from "../../src/sidecar/renewal/outcome.ts";
import { createPace } from "../../src/sidecar/renewal/pace.ts";
import type { AdmittedPod } from "../admitted-pod.ts";
import { type Cgroup, createCgroup } from "../cgroup.ts";
import { ROOT } from "../files.ts";
import { memoryLimitOf, writeGroupLauncher } from "../limited-programs.ts";
import { FROM_SOURCES, openPrograms, type Programs } from "../programs.ts";
import { measuredNow } from "../published-results.ts";
import { type OverloadRow, overloadResults } from "./overload-results.ts";

const ROLES = Array.from({ length: 50 }, (_, index) => `shop-role-${index}`);
/** As of a sidecar's call. */
const DEADLINE_MS = 15_000;
const STS_MS = 20;
const CALLERS = 32;
const CAPACITY_MS = 5_000;
/** Of the server. */
const CORES = 0.5;

/** Gives each connection an address of its own, as pods have: the server shares its room by address. */
function useManyAddresses(): void {
  const part = (size: number) => 1 + Math.floor(Math.random() * size);
  subscribe("net.client.socket", (message) => {
    const { socket } = message as { readonly socket: Socket };
    const connect = socket.connect.bind(socket) as (...args: readonly unknown[]) => Socket;
    Object.assign(socket, {
      connect(...args: readonly unknown[]) {
        const [[options]] = args as readonly [readonly [{ localAddress?: string }]];
        options.localAddress = `127.${part(250)}.${part(250)}.${part(250)}`;
        return connect(...args);
      },
    });
  });
}

/** Calls as fast as the server answers; resolves with calls per second. */
async function capacityOf(call: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  const elapsed = () => performance.now() - from;
  let calls = 0;
  async function caller(): Promise<void> {
    while (elapsed() < CAPACITY_MS) {
      await call();
      calls += 1;
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return (calls / elapsed()) * 1_000;
}

/** Calls at a rate, whatever the server answers; resolves with what became of the calls. */
async function overload(call: () => Promise<unknown>, perSecond: number, seconds: number) {
  const ends = { offered: 0, served: 0, late: 0, refused: 0 };
  const pending = new Set<Promise<void>>();
  const from = performance.now();
  let servedInTime = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - from) {
    for (; ends.offered < (elapsed / 1_000) * perSecond; ends.offered++) {
      const one: Promise<void> = call()
        .then(
          () => {
            ends.served += 1;
          },
          (error: unknown) => {
            const isLate = toPodroleError(error).message.includes("deadline");
            ends[isLate ? "late" : "refused"] += 1;
          },
        )
        .finally(() => pending.delete(one));
      pending.add(one);
    }
    await sleep(5);
    servedInTime = ends.served;
  }
  await Promise.all(pending);
  return { ...ends, offeredPerSecond: ends.offered / seconds, servedPerSecond: servedInTime / seconds };
}

/** Renews as a sidecar whose credentials have expired; resolves with the number of its attempts. */
async function renewUntilServed(call: () => Promise<unknown>): Promise<number> {
  const pace = createPace({ clock, random: Math.random });
  // The requests of apps that find no credentials are not all at the same time.
  await sleep(Math.random() * 2_500);
  for (let attempts = 1; ; attempts++) {
    pace.begin();
    try {
      await call();
      return attempts;
    } catch (error) {
      const { code, message, retryAfterMs } = toPodroleError(error);
      const waits = pace.end(failedRenewal({ code, message }, retryAfterMs), { isReady: true });
      await sleep(waits?.urgentMs ?? 0);
    }
  }
}

/** Starts the bundles in their groups. */
async function openLimited() {
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`the bundles cannot be built: ${build.stderr}`);
  const directory = mkdtempSync(join(tmpdir(), "podrole-overload-"));
  const group = (program: "server" | "webhook", cores?: number) =>
    createCgroup(`podrole-overload-${process.pid}-${program}`, { bytes: memoryLimitOf(program), cores });
  const groups = { server: group("server", CORES), webhook: group("webhook") };
  const execPath = writeGroupLauncher(directory, groups);
  const cli = { execPath, entry: join(ROOT, "dist/server/podrole.js") };
  const programs = await openPrograms({
    launch: { ...FROM_SOURCES, cli },
    roles: ROLES,
    serverFlags: ["--sts-rate", "100"],
  });
  return {
    programs,
    server: groups.server,
    async close() {
      await programs.close();
      for (const one of Object.values(groups)) one.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      pods: { type: "string", default: "5000" },
      publish: { type: "boolean", default: false },
    },
  });
  const limited = await openLimited();
  const { programs, server } = limited;
  try {
    useManyAddresses();
    const rows = [
      ...(await offerTwice(programs, Number(values.seconds))),
      ...(await storm(programs, Number(values.pods))),
      ...memoryRows(server),
    ];
    console.table(rows);
    if (values.publish)
      overloadResults.write({ ...measuredNow(), memoryMiB: memoryLimitOf("server") / 2 ** 20, cores: CORES, rows });
    process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1;
  } finally {
    await limited.close();
  }
}

/** Measures the capacity, and then offers twice as many calls. */
async function offerTwice(programs: Programs, seconds: number): Promise<readonly OverloadRow[]> {
  const first = await programs.createPod({ name: "first", roles: { app: ROLES[0] ?? "" } });
  const csr = createCsr(generateKeyPem(), "first");
  async function start(): Promise<void> {
    const input = { token: first.token, csr, bundleHash: "", containers: ["app"] };
    const { grants } = await requestCertificate(first.identityPort, input, DEADLINE_MS);
    if (grants[0]?.result?.$case !== "credentials") throw new RangeError("the server returned no credentials");
  }
  await start();
  const capacity = await capacityOf(start);
  console.log(`capacity, certificate with credentials: ${capacity.toFixed(0)} per second`);
  const pages = programs.cluster.server.ports["pages"] ?? 0;
  const issuedBefore = await issuedBy(pages);
  const { offeredPerSecond, servedPerSecond, ...ends } = await overload(start, 2 * capacity, seconds);
  const worked = (await issuedBy(pages)) - issuedBefore;
  const left = (worked - ends.served) / worked;
  console.log(JSON.stringify(ends));
  const [offered, share] = [offeredPerSecond / capacity, servedPerSecond / capacity];
  return [
    {
      what: `certificates with credentials, offered for ${seconds} s, of the capacity of ${capacity.toFixed(0)} per second`,
      expected: "2 times",
      measured: `${offered.toFixed(2)} times`,
      isMet: offered >= 1.95,
    },
    {
      what: "served meanwhile, of the capacity",
      expected: "at least 80 %",
      measured: percent(share),
      isMet: share >= 0.8,
    },
    {
      what: "certificates issued to callers that had left",
      expected: "at most 5 %",
      measured: percent(left),
      isMet: left <= 0.05,
    },
  ];
}

/** A new server has no sessions, as one whose sessions have expired. */
async function storm(programs: Programs, count: number): Promise<readonly OverloadRow[]> {
  const { cluster } = programs;
  const pods: { readonly pod: AdmittedPod; readonly identity: ClientIdentity }[] = [];
  let next = 0;
  async function admit(): Promise<void> {
    for (let index = next++; index < count; index = next++) {
      const pod = await programs.createPod({ name: `pod-${index}`, roles: { app: ROLES[index % ROLES.length] ?? "" } });
      pods.push({ pod, identity: await pod.prove({ deadlineMs: DEADLINE_MS }) });
    }
  }
  await Promise.all(Array.from({ length: 8 }, admit));
  cluster.sts.faults.set({ kind: "stall", ms: STS_MS });
  const request = (endpoint: ServerEndpoint, identity: ClientIdentity) =>
    getCredentials(endpoint, identity, { containers: ["app"], bundleHash: "" }, DEADLINE_MS);

  let turn = 0;
  const capacity = await capacityOf(async () => {
    const entry = pods[turn++ % pods.length];
    if (entry) await request(entry.pod.credentialsPort, entry.identity);
  });
  const limit = (1.5 * count) / capacity;
  await cluster.server.stop();
  const server = await cluster.startServer();
  const from = performance.now();
  const attempts = await Promise.all(
    pods.map(({ pod, identity }) => {
      const endpoint = { ...pod.credentialsPort, address: `127.0.0.1:${server.ports["credentials"]}` };
      return renewUntilServed(() => request(endpoint, identity));
    }),
  );
  const took = (performance.now() - from) / 1_000;
  const average = attempts.reduce((sum, own) => sum + own, 0) / count;
  console.log(
    `capacity, credentials from the cache: ${capacity.toFixed(0)} per second; ${average.toFixed(1)} attempts each`,
  );
  return [
    {
      what: `${count} sidecars without credentials, ${ROLES.length} roles, STS at ${STS_MS} ms: until all are served`,
      expected: `at most ${limit.toFixed(1)} s: 1.5 × ${count} ÷ the capacity of ${capacity.toFixed(0)} per second`,
      measured: `${took.toFixed(1)} s`,
      isMet: took <= limit,
    },
  ];
}

function memoryRows(server: Cgroup): readonly OverloadRow[] {
  const { killed, workingSet } = server.usage();
  return [
    {
      what: "servers killed for their memory",
      expected: "0",
      measured: `${killed}, at the end ${(workingSet / 2 ** 20).toFixed(0)} MiB`,
      isMet: killed === 0,
    },
  ];
}

/** The number of certificates that the server has issued. */
async function issuedBy(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^podrole_certificates_total\{code="ISSUED"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

await main();
