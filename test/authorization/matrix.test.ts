// The authorization matrix against the real services: exactly the cells that test/authorization/cells.ts allows pass.
// docs/authorization-matrix.md shows the same table.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { createAskEndpoint, createAskMetadata, createAskMutate, createAskPages } from "./ask-pod.ts";
import { type Ask, createAskCertificate, createAskCredentials } from "./ask-server.ts";
import { createAskState } from "./ask-state.ts";
import { CALLS, type CallId, cellsOf } from "./cells.ts";
import { openWorld } from "./world.ts";

const world = await openWorld({ after: (end) => after(end) });
const credentials = createAskCredentials(world);
after(() => credentials.close());

const pinned = createAskCredentials(world, world.ports.pinned);

const ASK: Readonly<Record<CallId, Ask>> = {
  certificate: createAskCertificate(world),
  credentials: credentials.ask,
  pinned: pinned.ask,
  endpoint: createAskEndpoint(world),
  metadata: createAskMetadata(world),
  pages: createAskPages(world),
  mutate: createAskMutate(world),
  state: createAskState(world),
};

/** Callers whose certificate or CA ends during the test: they run after all others, which need that CA. */
const OUTLIVED: ReadonlySet<string> = new Set(["expiredOpen", "expiredResumed", "retiredOpen", "retired"]);

function testCells(id: CallId, isOurs: (caller: string) => boolean): void {
  for (const { caller, relation, verdict } of cellsOf(id).filter((cell) => isOurs(cell.caller))) {
    const { callers, relations } = CALLS[id];
    test(`cell ${callers[caller]?.title} → ${relations[relation]}: ${verdict}`, async () => {
      assert.equal(await ASK[id](caller, relation), verdict);
    });
  }
}

for (const id of Object.keys(CALLS) as CallId[]) {
  suite(`authorization: ${CALLS[id].title}`, () => testCells(id, (caller) => !OUTLIVED.has(caller)));
}

suite("authorization: GetCredentials after a certificate's or a CA's end", async () => {
  test("the certificate expires and the CA is retired", () => credentials.outlive(() => world.retirePreviousCa()));
  testCells("credentials", (caller) => OUTLIVED.has(caller));
});
