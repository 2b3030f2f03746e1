import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodRow } from "../../src/operations/status/model.ts";
import { decisionMarks, decisionSteps } from "../../ui/model/decision.ts";
import { blockedRows } from "../../ui/model/maker.ts";
import { statesByRole } from "../../ui/model/roles.ts";
import { fragmentOfRoute, type Route, routeOf } from "../../ui/model/route.ts";
import { filterOf, prepareSearch, searchRows, searchWithFilter } from "../../ui/model/search.ts";
import {
  countStates,
  countsText,
  HOLD_STATES,
  type HoldState,
  holdStateOf,
  SEVERITIES,
  SEVERITY_LOOKS,
  type Severity,
  severityCount,
  severityOf,
  severitySearch,
  stateSearch,
  worstState,
} from "../../ui/model/state.ts";
import {
  clockText,
  relativeText,
  renewalText,
  restOfLife,
  spanText,
  timeOfDayText,
  timeTicks,
} from "../../ui/model/time.ts";
import { trustGap, trustLineOf, trustMarks, trustVerdict } from "../../ui/model/trust.ts";
import { podAnswer } from "./pod-answer.ts";
import { largeSnapshot, podRow, smallSnapshot, UI_NOW, uiRoleArn } from "./snapshots.ts";

const SECOND = 1_000;
const LATER = new Date(UI_NOW + 60 * SECOND).toISOString();
const EARLIER = new Date(UI_NOW - 60 * SECOND).toISOString();

test("holdStateOf() tells what a container has now", () => {
  const cases: readonly (readonly [Partial<PodRow>, HoldState])[] = [
    [{ expires: LATER, renewed: EARLIER }, "holding"],
    [{ expires: LATER, code: "STS_THROTTLED" }, "failing"],
    [{ expires: EARLIER }, "expired"],
    [{ expires: EARLIER, code: "STS_DENIED" }, "expired"],
    [{ expires: LATER, phase: "terminating" }, "leaving"],
    [{ expires: LATER, renewed: EARLIER, phase: "unknown" }, "holding"],
    // A minute is left, and half of 26 minutes was the time to renew.
    [{ expires: LATER, renewed: new Date(UI_NOW - 25 * 60 * SECOND).toISOString() }, "overdue"],
  ];
  for (const [change, state] of cases) assert.equal(holdStateOf(podRow(change), UI_NOW), state, JSON.stringify(change));
  const { expires: _, ...without } = podRow();
  const empty: readonly (readonly [Partial<PodRow>, HoldState])[] = [
    [{ phase: "ready" }, "holding"],
    [{ phase: "waiting", code: "STS_DENIED" }, "refused"],
    [{ phase: "starting" }, "starting"],
    [{ phase: "absent" }, "starting"],
    [{ phase: "not injected" }, "bare"],
    [{ phase: "unknown" }, "unknown"],
  ];
  for (const [change, state] of empty) {
    assert.equal(holdStateOf({ ...without, ...change }, UI_NOW), state, JSON.stringify(change));
  }
});

test("worstState() returns the worst that is counted, and countsText() names all of them", () => {
  const counts = countStates(["holding", "refused", "holding", "starting"]);
  assert.equal(worstState(counts), "refused");
  assert.equal(countsText(counts), "1 refused, 1 waiting, 2 valid");
  assert.equal(worstState({}), "unknown");
});

test("routeOf() reads what fragmentOfRoute() writes, with names that need escapes", () => {
  const routes: readonly Route[] = [
    { view: "map", parts: [], search: "" },
    { view: "pod", parts: ["shop", "orders-1"], search: "a b&c" },
    { view: "role", parts: ["arn:aws:iam::1:role/path/name?#%"], search: "" },
    { view: "pods", parts: [], search: "<b>", namespace: "shop" },
  ];
  for (const route of routes) assert.deepEqual(routeOf(fragmentOfRoute(route)), route);
});

test("routeOf() returns the map for a fragment of something else", () => {
  for (const text of ["", "#", "#/nothing/here", "#title", "#/%E0%A4%A", "#/constructor"]) {
    assert.deepEqual(routeOf(text), { view: "map", parts: [], search: "" }, text);
  }
});

test("routeOf() reads links to the view Certificates by its earlier name", () => {
  assert.deepEqual(routeOf("#/trust"), routeOf("#/certificates"));
});

test("searchRows() finds rows that contain every word, by name, role, code and state", () => {
  const { pods } = smallSnapshot();
  const found = (search: string) => searchRows(pods, search, UI_NOW).map(({ pod }) => pod);
  assert.deepEqual(found("STS_DENIED"), ["mailer-6f7d9-hx5pl"]);
  assert.deepEqual(found("payroll PAYOUTS"), ["payouts-0", "payouts-1"]);
  assert.deepEqual(found("not injected"), ["importer-1"]);
  assert.deepEqual(found("node-2 orders"), ["orders-7d9f4-k8s2m"]);
  assert.deepEqual(found("nothing like this"), []);
  assert.equal(found("  ").length, pods.length);
});

test("spanText() rounds to its unit, and relativeText() says in which direction", () => {
  const cases = [
    [41 * SECOND, "41 s"],
    [89 * SECOND, "89 s"],
    [4 * 60 * SECOND + 59 * SECOND, "5 min"],
    [59.6 * 60 * SECOND, "1 h"],
    [3_720 * SECOND, "1 h 2 min"],
    [3_600 * SECOND, "1 h"],
    [86_400 * SECOND - 1, "24 h"],
    [-86_400 * 3 * SECOND, "3 days"],
    [86_400 * 58 * SECOND - SECOND, "58 days"],
  ] as const;
  for (const [ms, text] of cases) assert.equal(spanText(ms), text);
  assert.deepEqual([relativeText(LATER, UI_NOW), relativeText(EARLIER, UI_NOW)], ["in 60 s", "60 s ago"]);
  assert.deepEqual([relativeText("never", UI_NOW), clockText("never")], ["", "never"]);
  assert.equal(clockText("2026-06-01T12:00:00.123Z"), "2026-06-01 12:00:00 UTC");
});

test("timeOfDayText() leaves out the day of now", () => {
  assert.equal(timeOfDayText("2026-06-01T11:49:01Z", UI_NOW), "11:49:01 UTC");
  assert.equal(timeOfDayText("2026-05-31T11:49:01Z", UI_NOW), "31 May 11:49:01 UTC");
  assert.equal(timeOfDayText("never", UI_NOW), "never");
});

test("timeTicks() returns beginnings of months or days inside the span, few enough to read", () => {
  const labels = (begin: string, end: string) =>
    timeTicks(Date.parse(begin), Date.parse(end)).map(({ label }) => label);
  assert.deepEqual(labels("2025-10-02", "2027-05-30"), [
    ...["Jan 2026", "Apr 2026", "Jul 2026", "Oct 2026", "Jan 2027", "Apr 2027"],
  ]);
  assert.deepEqual(labels("2026-06-01T12:00:00Z", "2026-06-04"), ["2 Jun", "3 Jun", "4 Jun"]);
  assert.deepEqual(labels("2026-06-01", "2026-06-01"), ["1 Jun"]);
  for (const end of ["2026-03-05", "2026-12-31", "2029-01-01", "2046-01-01", "2126-01-01"]) {
    const { length } = labels("2026-01-15", end);
    assert.ok(length >= 2 && length <= 10, `${end}: ${length}`);
  }
});

test("restOfLife() is the part that is left, and unknown without both ends", () => {
  assert.equal(restOfLife(EARLIER, LATER, UI_NOW), 0.5);
  assert.equal(restOfLife(EARLIER, LATER, UI_NOW + 3_600 * SECOND), 0);
  assert.deepEqual([restOfLife(undefined, LATER, UI_NOW), restOfLife(LATER, EARLIER, UI_NOW)], [undefined, undefined]);
});

test("decisionSteps() goes from admission to the sidecar, with reasons and tones, and ends with the settings", () => {
  const { explanation } = podAnswer();
  assert.ok("value" in explanation);
  const steps = decisionSteps(explanation.value);
  assert.deepEqual(
    steps.map(({ tone }) => tone),
    // What its sidecar waits for is no second fault.
    ["good", "good", "good", "bad", "muted", "muted"],
  );
  assert.deepEqual(
    steps.map(({ title, text }) => [title, text]),
    [
      ["The webhook would inject it now", "podrole-sidecar would be added"],
      ["Container app may have role shop-mial", "named by the pod's annotation, permitted by its namespace"],
      ["It was injected when it was created", "2026-06-01 11:49:00 UTC"],
      ["AWS does not give container app the role", ""],
      ["Its sidecar is waiting (CrashLoopBackOff)", "4 restarts"],
      ["These settings decide", "Deployment podrole-webhook, ConfigMap podrole-common, Deployment podrole-server"],
    ],
  );
  // Its code stands with the cause.
  assert.deepEqual(steps[4]?.details, []);
});

test("decisionMarks() says in a row of words where a decision went wrong, of equal words the worst", () => {
  const { explanation } = podAnswer();
  assert.ok("value" in explanation);
  const marksOf = (value: typeof explanation.value) =>
    decisionMarks(decisionSteps(value)).map(({ text, tone }) => `${text}: ${tone}`);
  const { containers } = explanation.value;
  assert.deepEqual(marksOf(explanation.value), [
    ...["webhook: good", "permitted by the namespace: good", "injected: good", "AWS gives no role: bad"],
    "sidecar waits: muted",
  ]);
  const refused = { container: "other", allowed: false, code: "ROLE_FORBIDDEN", message: "no" };
  assert.deepEqual(
    marksOf({ ...explanation.value, containers: [...containers, refused] })[1],
    "not permitted by the namespace: bad",
  );
});

test("decisionSteps() shows a refusal as bad, with its code and message", () => {
  const { explanation } = podAnswer();
  assert.ok("value" in explanation);
  const refused = {
    container: "app",
    role: "arn:aws:iam::1:role/x",
    allowed: false,
    code: "ROLE_FORBIDDEN",
    message: "no",
  };
  const [, step] = decisionSteps({ ...explanation.value, containers: [refused] });
  assert.equal(step?.title, "Container app may not have role x");
  assert.deepEqual([step?.tone, step?.details], ["bad", ["code ROLE_FORBIDDEN", "no", "arn:aws:iam::1:role/x"]]);
});

test("decisionSteps() states what the webhook would not do, and what no container names", () => {
  const { explanation } = podAnswer();
  assert.ok("value" in explanation);
  const now = { decision: "skip", reason: "NOT_LABELLED", message: "no label", warnings: [] } as const;
  const containers = [{ container: "app", allowed: false }] as const;
  const { existing: _, ...rest } = explanation.value;
  const steps = decisionSteps({
    ...rest,
    now: { ...explanation.value.now, ...now, reason: explanation.value.now.reason },
    containers,
    settings: [],
  });
  assert.deepEqual(
    steps.map(({ title }) => title),
    ["The webhook would not inject it now", "Container app names no role", "The settings may not be read"],
  );
});

test("decisionSteps() shows a refused renewal as something to look at while credentials are held", () => {
  const { explanation } = podAnswer();
  assert.ok("value" in explanation && explanation.value.existing);
  const { existing } = explanation.value;
  const containers = [{ container: "app", code: "STS_THROTTLED", expires: LATER }];
  const steps = decisionSteps({ ...explanation.value, existing: { ...existing, containers } });
  const step = steps.find(({ title }) => title === "AWS refused the last renewal of container app");
  assert.equal(step?.tone, "notice");
});

test("renewalText() says when half of the lifetime is over, and that it is", () => {
  const hour = [new Date(UI_NOW).toISOString(), new Date(UI_NOW + 3_600 * SECOND).toISOString()] as const;
  assert.equal(renewalText(...hour, UI_NOW + 600 * SECOND), "renews in 20 min");
  assert.equal(renewalText(...hour, UI_NOW + 1_900 * SECOND), "renewal due");
  assert.equal(renewalText(undefined, LATER, UI_NOW), "");
});

test("trustLineOf() puts CAs, now and the next steps on one line", () => {
  const { trust, rotation } = smallSnapshot();
  const line = trustLineOf(trust, rotation, UI_NOW);
  assert.deepEqual(
    line?.bars.map(({ title, isExpired }) => [title, isExpired]),
    [
      ["current", false],
      ["next", false],
    ],
  );
  const [current, next] = line?.bars ?? [];
  assert.ok(next && current && current.from === 0 && current.to < next.to && next.to === 1);
  assert.ok(line && line.now > next.from && line.now < current.to);
  assert.deepEqual(
    line?.marks.map(({ label }) => label),
    ["the next CA begins to sign"],
  );
  assert.equal(trustLineOf([], undefined, UI_NOW), undefined);
});

test("trustLineOf() marks an expired CA, and trustGap() says who does not trust one", () => {
  const [, current] = smallSnapshot().trust;
  assert.ok(current);
  const expired = { ...current, expires: EARLIER, inCaBundle: false };
  assert.equal(trustLineOf([expired], undefined, UI_NOW)?.bars[0]?.isExpired, true);
  assert.match(trustGap(expired), /not in the webhook's caBundle/);
  assert.equal(trustGap(current), "");
});

test("searchRows() finds containers of one state by what the summary links to", () => {
  const { pods } = smallSnapshot();
  const found = (state: HoldState) => searchRows(pods, stateSearch(state), UI_NOW).map(({ pod }) => pod);
  // The phase of mailer's sidecar is "waiting" too, and its state is not.
  assert.deepEqual(found("starting"), ["search-84b5c-2m4kd"]);
  assert.deepEqual(found("bare"), ["importer-1"]);
});

test("searchRows() finds containers of one severity, which filterOf() reads and searchWithFilter() writes", () => {
  const { pods } = smallSnapshot();
  const found = (severity: Severity) => searchRows(pods, severitySearch(severity), UI_NOW).map(({ pod }) => pod);
  assert.deepEqual(found("failing"), ["mailer-6f7d9-hx5pl", "lake-0", "importer-1"]);
  const blocked = blockedRows(smallSnapshot().refusals, UI_NOW);
  for (const search of [severitySearch("failing"), stateSearch("blocked"), "intruder"]) {
    assert.equal(searchRows(blocked, search, UI_NOW).length, 1, search);
  }
  assert.deepEqual(found("at risk"), ["cart-5c6b8-9qwzt", "export-6b7c9-4tq8w"]);
  assert.deepEqual(filterOf("shop is:at-risk cart"), { words: "shop cart", severity: "at risk" });
  assert.deepEqual(filterOf("is:refused"), { words: "is:refused", severity: undefined });
  assert.equal(searchWithFilter("shop is:at-risk", "failing"), "shop is:failing");
  assert.equal(searchWithFilter("shop is:at-risk", undefined), "shop");
});

test("severityOf() has a severity for each state, and severityCount() counts its states", () => {
  assert.deepEqual(severityOf("leaving"), "pending");
  const all = SEVERITIES.flatMap((severity) => SEVERITY_LOOKS[severity].states);
  assert.deepEqual(all.toSorted(), HOLD_STATES.toSorted());
  assert.equal(severityCount(countStates(["refused", "expired", "holding"]), "failing"), 2);
});

test("prepareSearch() changes nothing of what a search finds", () => {
  const [fresh, prepared] = [largeSnapshot(300, 10).pods, largeSnapshot(300, 10).pods];
  prepareSearch(prepared, UI_NOW);
  for (const search of ["service-7 team-3", "sts_throttled", "is:valid role-4"]) {
    const found = searchRows(prepared, search, UI_NOW).map(({ pod }) => pod);
    assert.ok(found.length > 0, search);
    assert.deepEqual(
      found,
      searchRows(fresh, search, UI_NOW).map(({ pod }) => pod),
      search,
    );
  }
});

test("statesByRole() counts the states of each role's containers", () => {
  const states = statesByRole(smallSnapshot().pods, UI_NOW);
  assert.deepEqual(states.get(uiRoleArn("data-lake")), { expired: 1, leaving: 1 });
  assert.deepEqual(states.get(uiRoleArn("shop-orders")), { holding: 2 });
});

test("trustVerdict() says what needs work, or that nothing does", () => {
  const { trust, rotation } = smallSnapshot();
  const [next, current] = trust;
  assert.ok(next && current);
  const verdictOf = (rows: typeof trust) => {
    const line = trustLineOf(rows, rotation, UI_NOW);
    return line && trustVerdict(line, rotation, [])?.text;
  };
  assert.equal(verdictOf(trust), "Nothing to do.");
  assert.match(verdictOf([next, { ...current, expires: EARLIER }]) ?? "", /^The current CA has expired/);
  assert.match(verdictOf([{ ...next, inBundle: false }, current]) ?? "", /^Not everything trusts/);
  const line = trustLineOf(trust, rotation, UI_NOW);
  assert.match((line && trustVerdict(line, rotation, ["shop/orders"])?.text) ?? "", /^1 pod probably trusts only/);
  assert.equal(trustMarks({ ...next, inCaBundle: false }), "✓ trust bundle · ✕ webhook caBundle");
});
