// What the server knows about the containers of pods, from results and from reports.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReportedHolding } from "../../../src/server/issue/result-observer.ts";
import { createPodHoldings } from "../../../src/server/state/holdings.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const POD = { namespace: "shop", name: "orders-1", uid: "u-1" };
const ROLE = "arn:aws:iam::123456789012:role/orders";
const OTHER_ROLE = "arn:aws:iam::123456789012:role/other";
const HOUR = 3_600_000;
/** Of every pod that is known. */
const CONTAINERS = ["app", "job", ...Array.from({ length: 1_000 }, (_, index) => `c${index}`)];

function setUp(capacity?: number) {
  const clock = createFakeClock();
  const containersOf = ({ uid }: { readonly uid: string }) => (uid === "u-unknown" ? undefined : CONTAINERS);
  const holdings = createPodHoldings({ clock, containersOf }, capacity === undefined ? {} : { capacity });
  return { clock, holdings, app: () => holdings.of("u-1")?.find(({ container }) => container === "app") };
}

const issuedRole = { role: ROLE, remainingMs: HOUR };
const reportOf = (changes: Partial<ReportedHolding> = {}): ReportedHolding => ({
  container: "app",
  role: ROLE,
  remainingMs: HOUR / 2,
  ...changes,
});

test("createPodHoldings() knows nothing about a pod before its first result", () => {
  assert.equal(setUp().holdings.of("u-1"), undefined);
});

test("issued() records role, expiry and renewal, and since when the role is held", async () => {
  const { clock, holdings, app } = setUp();
  holdings.issued(POD, "app", issuedRole);
  await clock.advance(HOUR / 2);
  holdings.issued(POD, "app", issuedRole);
  assert.deepEqual(app(), {
    container: "app",
    role: ROLE,
    expiresAt: "2026-01-01T01:30:00.000Z",
    renewedAt: "2026-01-01T00:30:00.000Z",
    since: "2026-01-01T00:00:00.000Z",
    observedAt: "2026-01-01T00:30:00.000Z",
    source: "issued",
  });
});

test("refused() keeps the expiry of valid credentials if the sidecar keeps them, and no other", async () => {
  const { clock, holdings, app } = setUp();
  holdings.issued(POD, "app", issuedRole);
  await clock.advance(1_000);
  holdings.refused(POD, "app", { code: "STS_UNAVAILABLE", message: "" });
  assert.deepEqual([app()?.code, app()?.expiresAt], ["STS_UNAVAILABLE", "2026-01-01T01:00:00.000Z"]);
  assert.equal(app()?.since, "2026-01-01T00:00:01.000Z");
  holdings.refused(POD, "app", { code: "ROLE_FORBIDDEN", message: "" });
  assert.deepEqual([app()?.code, app()?.expiresAt, app()?.role], ["ROLE_FORBIDDEN", undefined, ROLE]);
});

test("refused() without a container concerns every known container of the pod, and refusedUnknown() none", () => {
  const { holdings } = setUp();
  for (const name of ["app", "job"]) holdings.issued(POD, name, issuedRole);
  holdings.refusedUnknown(POD, { code: "ROLE_MISSING", message: "" });
  assert.deepEqual(
    holdings.of("u-1")?.map(({ code }) => code),
    [undefined, undefined],
  );
  holdings.refused(POD, undefined, { code: "POD_FINISHED", message: "" });
  assert.deepEqual(
    holdings.of("u-1")?.map(({ code }) => code),
    ["POD_FINISHED", "POD_FINISHED"],
  );
});

test("reported() fills in what the server does not know", () => {
  const { holdings, app } = setUp();
  holdings.reported(POD, [reportOf(), { container: "job", remainingMs: 0, code: "STS_DENIED" }]);
  assert.equal(app()?.source, "reported");
  assert.equal(app()?.expiresAt, "2026-01-01T00:30:00.000Z");
  assert.equal(app()?.renewedAt, undefined);
  assert.equal(holdings.of("u-1")?.[1]?.code, "STS_DENIED");
});

test("reported() does not replace what the server issued, until it has expired", async () => {
  const { clock, holdings, app } = setUp();
  holdings.issued(POD, "app", issuedRole);
  holdings.reported(POD, [reportOf(), { container: "app", remainingMs: 0, code: "STS_DENIED" }]);
  assert.deepEqual([app()?.source, app()?.code], ["issued", undefined]);
  for (const remainingMs of [HOUR, 2 * HOUR, 12 * HOUR]) {
    holdings.reported(POD, [reportOf({ remainingMs })]);
    holdings.reported(POD, [reportOf({ role: OTHER_ROLE, remainingMs })]);
    assert.deepEqual([app()?.source, app()?.role], ["issued", issuedRole.role]);
  }
  await clock.advance(issuedRole.remainingMs);
  holdings.reported(POD, [reportOf({ role: OTHER_ROLE })]);
  assert.deepEqual([app()?.source, app()?.role], ["reported", OTHER_ROLE]);
});

test("reported() drops names that the pod does not have, and everything of a pod that is not known", () => {
  const { holdings } = setUp();
  holdings.reported(POD, [reportOf(), reportOf({ container: "invented" })]);
  holdings.reported({ ...POD, uid: "u-unknown" }, [reportOf()]);
  assert.deepEqual(
    holdings.of("u-1")?.map(({ container }) => container),
    ["app"],
  );
  assert.deepEqual([holdings.of("u-unknown"), holdings.size], [undefined, 1]);
});

test("reported() changes nothing about any other pod", () => {
  const { holdings } = setUp();
  holdings.issued(POD, "app", issuedRole);
  const before = holdings.of("u-1");
  holdings.reported({ ...POD, name: "orders-2", uid: "u-2" }, [reportOf({ role: OTHER_ROLE, remainingMs: 9 * HOUR })]);
  assert.deepEqual(holdings.of("u-1"), before);
});

test("createPodHoldings() forgets the pod that was silent for longest when there are too many containers", () => {
  const { holdings } = setUp(3);
  for (const uid of ["u-1", "u-2", "u-3"]) holdings.issued({ ...POD, uid }, "app", issuedRole);
  holdings.issued(POD, "app", issuedRole);
  holdings.issued({ ...POD, uid: "u-4" }, "app", issuedRole);
  assert.equal(holdings.size, 3);
  assert.equal(holdings.of("u-2"), undefined);
  assert.ok(holdings.of("u-1"));
});

test("createPodHoldings() forgets no pod for those of a namespace that has more containers", () => {
  const { holdings } = setUp(4);
  holdings.issued(POD, "app", issuedRole);
  for (let count = 0; count < 20; count++) {
    const hostile = { namespace: "hostile", name: `pod-${count}`, uid: `h-${count}` };
    for (const name of ["a", "b"]) holdings.issued(hostile, name, issuedRole);
  }
  assert.ok(holdings.size <= 4);
  assert.equal(holdings.hasHeld("u-1", "app"), true);
  assert.deepEqual(
    ["h-0", "h-19"].map((uid) => holdings.hasHeld(uid, "b")),
    [false, true],
  );
});

test("reported() keeps at most 128 containers of a pod, and what was issued replaces one of them", () => {
  const { holdings } = setUp(1_000);
  holdings.issued({ ...POD, uid: "u-2" }, "app", issuedRole);
  for (let count = 0; count < 1_000; count++) holdings.reported(POD, [reportOf({ container: `c${count}` })]);
  assert.equal(holdings.of(POD.uid)?.length, 128);
  holdings.issued(POD, "app", issuedRole);
  assert.equal(holdings.of(POD.uid)?.length, 128);
  assert.ok(holdings.of(POD.uid)?.some(({ container, source }) => container === "app" && source === "issued"));
  assert.deepEqual([holdings.size, holdings.of("u-2")?.length], [129, 1]);
});

test("sweep() forgets pods that are gone", async () => {
  const { clock, holdings } = setUp();
  for (const uid of ["u-1", "u-2"]) holdings.issued({ ...POD, uid }, "app", issuedRole);
  await clock.advance(60_000);
  holdings.sweep({ has: (uid) => uid === "u-2" });
  assert.deepEqual([holdings.size, holdings.of("u-1")], [1, undefined]);
});

test("sweep() keeps a pod that a lagging watch has not delivered yet, so that it does not count as one that starts", async () => {
  const { clock, holdings } = setUp();
  holdings.issued(POD, "app", issuedRole);
  await clock.advance(59_000);
  const living = new Set<string>();
  holdings.sweep(living);
  assert.ok(holdings.hasHeld("u-1", "app"));
  await clock.advance(1_000);
  holdings.sweep(living);
  assert.equal(holdings.of("u-1"), undefined);
});

test("sweep() looks at a pod again only after it was observed, or when pods have begun or ended", async () => {
  const { clock, holdings } = setUp();
  const compared: string[] = [];
  const living = { has: (uid: string) => compared.push(uid) > 0 };
  for (const uid of ["u-1", "u-2"]) holdings.issued({ ...POD, uid }, "app", issuedRole);
  for (let minute = 0; minute < 3; minute++) holdings.sweep(living);
  assert.deepEqual(compared, ["u-1", "u-2"]);
  holdings.issued({ ...POD, uid: "u-2" }, "app", issuedRole);
  holdings.sweep(living);
  assert.deepEqual(compared.slice(2), ["u-2"]);
  await clock.advance(60_000);
  holdings.sweep({ has: () => false });
  assert.equal(holdings.size, 0);
});
