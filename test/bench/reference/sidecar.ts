// The sidecar beside a bare server of node:http with the same flags: private memory after 1 000 requests and three
// renewals, speed and CPU on 1 and 16 connections, and the memory of one renewal beside that of one bare call.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../emulators/until.ts";
import { HOUR_MS, systemClock } from "../../../src/runtime/clock.ts";
import { runInit } from "../../../src/sidecar/init.ts";
import { renewalFlags, SERVING_FLAGS } from "../../../src/sidecar/node-flags.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { ROOT } from "../../files.ts";
import { freePort } from "../../loopback.ts";
import { createFakePod, type FakePod } from "../../sidecar/fake-pod.ts";
import { type FakeServer, grantReply, startFakeServer } from "../../sidecar/fake-server.ts";
import { type LoadTarget, runLoad } from "../sidecar/load.ts";
import { cpuMs, measureUntilExit, privateMegabytes, startMeasured, stopMeasured } from "../sidecar/process.ts";
import { type BarePrograms, buildBarePrograms } from "../start/bare-programs.ts";
import { IMAGE_FLAGS } from "../start/image-flags.ts";
import type { Bench } from "./bench.ts";
import type { Pair, RowSamples } from "./results.ts";

const SIDECAR = join(ROOT, "dist/sidecar/main.cjs");
const RENEWALS = 3;
/** Lifetime of certificates whose renewals are waited for: each is renewed after about half of it. */
const SHORT_MS = 3_000;
/** About as long as three renewals take, so that both processes are equally old when their memory is read. */
const BARE_WAIT_MS = (RENEWALS * SHORT_MS) / 2;
const BARE_SERVER = "bare node:http with the same flags";

/** Figures of one process that serves. */
type Serving = Readonly<
  Record<"megabytes" | "oneRate" | "oneP99" | "oneCpu" | "manyRate" | "manyP99" | "manyCpu", number>
>;

/** Measures the serving process and a renewal. */
export async function compareSidecar({ directory, rounds, progress }: Bench): Promise<readonly RowSamples[]> {
  const bare = await buildBarePrograms(directory);
  const server = await startFakeServer();
  server.grant = (container) => {
    const grant = grantReply(container, { now: Date.now() });
    // As long as a session token of STS.
    if (grant.result?.$case === "credentials") grant.result.credentials.sessionToken = "t".repeat(1_000);
    return grant;
  };
  const serving: { readonly reference: Serving; readonly podrole: Serving }[] = [];
  const renewals: RenewalPairs[] = [];
  try {
    for (let round = 0; round <= rounds; round++) {
      progress(`sidecar, round ${round} of ${rounds}`);
      const pair = { podrole: await measureServing(server), reference: await measureBareServing(bare) };
      const renewal = await measureRenewal(server, bare);
      if (round === 0) continue;
      serving.push(pair);
      renewals.push(renewal);
    }
  } finally {
    await server.stop();
  }
  const pairsOf = (key: keyof Serving): readonly Pair[] =>
    serving.map(({ reference, podrole }) => ({ reference: reference[key], podrole: podrole[key] }));
  return [...servingRows(pairsOf), ...renewalRows(renewals)];
}

async function measureServing(server: FakeServer): Promise<Serving> {
  server.certificateLifetimeMs = SHORT_MS;
  const pod = await createPod(server);
  try {
    const proofs = () => server.calls.filter((call) => call === "certificate").length;
    const before = proofs();
    const target = targetOf(pod);
    const measured = await startMeasured([...IMAGE_FLAGS, SIDECAR, "serve"], pod.env, target);
    await runLoad(target, { connections: 1, requests: 1_000 });
    await until(() => proofs() >= before + RENEWALS - 1, "all renewals but one");
    // After the last one none is due under load.
    server.certificateLifetimeMs = HOUR_MS;
    await until(() => proofs() >= before + RENEWALS, "the last renewal");
    // Until the child has ended and its files are read.
    await sleep(500);
    const figures = await servingFigures(measured.child.pid ?? 0, target);
    await stopMeasured(measured);
    return figures;
  } finally {
    server.certificateLifetimeMs = HOUR_MS;
    await pod.remove();
  }
}

async function measureBareServing(bare: BarePrograms): Promise<Serving> {
  const port = await freePort();
  const env = { BARE_PORT: String(port), BARE_BODY_BYTES: "1200", BARE_FLAGS: SERVING_FLAGS.join(" ") };
  // The bare server expects no token.
  const target = { port, path: "/v1/credentials", tokenFile: "/dev/null" };
  const measured = await startMeasured([...IMAGE_FLAGS, bare.server], env, target);
  await runLoad(target, { connections: 1, requests: 1_000 });
  await sleep(BARE_WAIT_MS);
  const figures = await servingFigures(measured.child.pid ?? 0, target);
  await stopMeasured(measured);
  return figures;
}

async function servingFigures(pid: number, target: LoadTarget): Promise<Serving> {
  const megabytes = await privateMegabytes(pid);
  const atStart = await cpuMs(pid);
  const one = await runLoad(target, { connections: 1, requests: 3_000 });
  const between = await cpuMs(pid);
  const many = await runLoad(target, { connections: 16, requests: 10_000 });
  const atEnd = await cpuMs(pid);
  return {
    megabytes,
    oneRate: one.requestsPerSecond,
    oneP99: one.p99,
    oneCpu: ((between - atStart) / one.requests) * 1_000,
    manyRate: many.requestsPerSecond,
    manyP99: many.p99,
    manyCpu: ((atEnd - between) / many.requests) * 1_000,
  };
}

function servingRows(pairsOf: (key: keyof Serving) => readonly Pair[]): readonly RowSamples[] {
  const cost = { reference: BARE_SERVER, ratio: "podrole ÷ reference" } as const;
  const perConnections = (connections: string, key: "one" | "many"): readonly RowSamples[] => {
    const what = `sidecar, GET of credentials on ${connections}`;
    return [
      {
        ...cost,
        what: `${what}: requests`,
        unit: "per second",
        target: { of: "ratio", atLeast: 0.85 },
        pairs: pairsOf(`${key}Rate`),
      },
      { ...cost, what: `${what}: p99`, unit: "µs", target: { of: "ratio", atMost: 1.2 }, pairs: pairsOf(`${key}P99`) },
      { ...cost, what: `${what}: CPU of each`, unit: "µs", pairs: pairsOf(`${key}Cpu`) },
    ];
  };
  return [
    {
      ...cost,
      what: `sidecar: private memory after 1 000 requests and ${RENEWALS} renewals`,
      unit: "MB",
      target: { of: "ratio", atMost: 1.1 },
      pairs: pairsOf("megabytes"),
    },
    ...perConnections("1 connection", "one"),
    ...perConnections("16 connections", "many"),
  ];
}

/** The peak memory of each kind of renewal, beside that of the bare call. */
interface RenewalPairs {
  readonly renewal: Pair;
  readonly tokenRenewal: Pair;
}

async function measureRenewal(server: FakeServer, bare: BarePrograms): Promise<RenewalPairs> {
  const pod = await createPod(server);
  const flags = renewalFlags(IMAGE_FLAGS);
  try {
    const call = await measureUntilExit([...flags, bare.call], pod.env);
    const renewal = await measureUntilExit([...flags, SIDECAR, "renew"], pod.env);
    rmSync(join(pod.settings.identityDirectory, "identity.pem"));
    const tokenRenewal = await measureUntilExit([...flags, SIDECAR, "renew"], pod.env);
    const pair = (own: typeof call): Pair => ({ reference: call.peakMegabytes, podrole: own.peakMegabytes });
    return { renewal: pair(renewal), tokenRenewal: pair(tokenRenewal) };
  } finally {
    await pod.remove();
  }
}

function renewalRows(renewals: readonly RenewalPairs[]): readonly RowSamples[] {
  const shared = {
    reference: "one mTLS call by grpc-js in a fresh process",
    unit: "MB",
    ratio: "podrole ÷ reference",
    target: { of: "ratio", atMost: 1.3 },
  } as const;
  return [
    {
      ...shared,
      what: "a renewal with the stored certificate: peak private memory",
      pairs: renewals.map(({ renewal }) => renewal),
    },
    {
      ...shared,
      what: "a renewal with a token and a new key: peak private memory",
      pairs: renewals.map(({ tokenRenewal }) => tokenRenewal),
    },
  ];
}

/** Creates a pod that has credentials already. */
async function createPod(server: FakeServer): Promise<FakePod> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const pod = await createFakePod(server, { port, healthPort, level: "info" });
  const { signal } = new AbortController();
  const exitCode = await runInit({ clock: systemClock, log: createKeptLog().log, signal }, pod.settings);
  if (exitCode !== 0) throw new RangeError(`Cannot measure: init ended with ${exitCode}; expected 0`);
  return pod;
}

function targetOf({ settings }: FakePod): LoadTarget {
  return {
    port: settings.port,
    path: "/v1/credentials",
    tokenFile: join(settings.tokensDirectory, "app", "token"),
  };
}
