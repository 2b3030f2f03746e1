// Restarts podrole's programs under load: 20 client pods send 50 requests a second in total, new pods start all the
// time, and no request for credentials may fail.
import { afterEach, suite, test } from "node:test";
import { createClients } from "./clients.ts";
import { kubectl, printDiagnosis, rolledOut, useNamespace } from "./suite.ts";

suite("rolling restarts under load", { timeout: 900_000 }, () => {
  const shop = useNamespace("rolling");
  const clients = createClients(shop);
  afterEach((context) => printDiagnosis(context, shop.name));

  test("20 client pods get credentials", () => clients.start());

  for (const name of ["podrole-server", "podrole-webhook"]) {
    test(`kubectl rollout restart of ${name}: no request fails, and new pods start meanwhile`, (context) =>
      clients.during(context, name, async () => {
        await kubectl.ok(["-n", "podrole", "rollout", "restart", `deployment/${name}`]);
        await rolledOut("podrole", `deployment/${name}`);
      }));
  }
});
