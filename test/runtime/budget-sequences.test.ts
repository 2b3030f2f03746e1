// The budget as a pure state machine: what holds after every sequence of events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BudgetConnection, type CloseReason, createBudget } from "../../src/runtime/budget.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { fc } from "../property.ts";
import { TESTED_LIMITS as LIMITS } from "./budget-limits.ts";

type Step = readonly [
  kind: "open" | "identify" | "begin" | "receive" | "received" | "answered" | "end" | "closed" | "wait",
  number,
  number,
];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>(
      "open",
      "open",
      "begin",
      "receive",
      "receive",
      "received",
      "answered",
      "end",
      "identify",
      "closed",
      "wait",
    ),
    fc.nat({ max: 40 }),
    fc.nat({ max: 4 }),
  ),
  { maxLength: 120 },
);

test("createBudget(): every sequence of events stays within the limits, and no caller loses a connection in flight while another has more", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const clock = createFakeClock();
      const alive = new Map<number, { caller: string; connection?: BudgetConnection }>();
      let reason: CloseReason | undefined;
      const budget = createBudget({ clock, onClose: (next) => (reason = next) }, LIMITS);
      const requests: NonNullable<ReturnType<BudgetConnection["begin"]>>[] = [];
      /** The connections of requests whose bodies are complete, and which are not answered. */
      const worked = new Map<(typeof requests)[number], BudgetConnection>();
      const connectionsOf = new Map<(typeof requests)[number], BudgetConnection>();
      const ended = new Set<(typeof requests)[number]>();
      const countOf = (caller: string) => [...alive.values()].filter((one) => one.caller === caller).length;
      /** Then a connection may go because it lets the budget wait. */
      let hasTimePassed = false;

      for (const [id, [kind, pick, caller]] of sequence.entries()) {
        const chosen = [...alive][pick % Math.max(alive.size, 1)];
        const request = requests[pick % Math.max(requests.length, 1)];
        const connection = chosen?.[1].connection;
        if (kind === "open") {
          const entry: { caller: string; connection?: BudgetConnection } = { caller: `${caller}` };
          alive.set(id, entry);
          const close = () => {
            if (reason === "connections" && !hasTimePassed) {
              const most = Math.max(...[...alive.values()].map((one) => countOf(one.caller)));
              const { caller = "", connection } = alive.get(id) ?? {};
              if (connection && [...worked.values()].includes(connection)) assert.equal(countOf(caller), most);
            }
            assert.ok(alive.delete(id), "closed twice");
          };
          entry.connection = budget.open({ caller: `${caller}`, close });
        } else if (kind === "identify" && chosen) {
          connection?.identify(`${caller}`);
          chosen[1].caller = `${caller}`;
        } else if (kind === "begin") {
          const begun: (typeof requests)[number] | undefined = connection?.begin(() => {
            if (begun === undefined) return;
            worked.delete(begun);
            ended.add(begun);
          });
          if (begun && connection) {
            requests.push(begun);
            connectionsOf.set(begun, connection);
          }
        } else if (kind === "receive") request?.receive(pick * 3);
        else if (kind === "received" && request) {
          request.received();
          const owner = connectionsOf.get(request);
          if (owner && !ended.has(request)) worked.set(request, owner);
        } else if ((kind === "answered" || kind === "end") && request) {
          worked.delete(request);
          ended.add(request);
          if (kind === "end") request.end();
          else request.answered();
        } else if (kind === "closed" && chosen) {
          alive.delete(chosen[0]);
          connection?.closed();
        } else if (kind === "wait") {
          hasTimePassed = true;
          await clock.advance(pick * 100);
        }

        const held = budget.held();
        assert.equal(held.connections, alive.size);
        for (const limit of ["connections", "bytes", "requests"] as const)
          assert.ok(held[limit] <= LIMITS[limit], limit);
        assert.ok(held.bytes >= 0 && held.requests >= 0);
      }
      await clock.advance(60_000);
      assert.deepEqual(budget.held(), { connections: 0, bytes: 0, requests: 0 });
      assert.equal(alive.size, 0);
    }),
    { numRuns: 300 },
  );
});
