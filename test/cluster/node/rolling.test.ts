// Restarts of podrole's programs under load: 20 pods ask 50 times a second together, new pods come all the time, and not
// one request for credentials may fail.
import { afterEach, suite, test } from "node:test";
import { createAskers } from "./askers.ts";
import { diagnose, kubectl, rolledOut, useNamespace } from "./suite.ts";

suite("rolling restarts under load", { timeout: 900_000 }, () => {
  const shop = useNamespace("rolling");
  const askers = createAskers(shop);
  afterEach((context) => diagnose(context, shop.name));

  test("20 pods ask", () => askers.start());

  for (const name of ["podrole-server", "podrole-webhook"]) {
    test(`kubectl rollout restart of ${name}: no request fails, and new pods start meanwhile`, (context) =>
      askers.during(context, name, async () => {
        await kubectl.ok(["-n", "podrole", "rollout", "restart", `deployment/${name}`]);
        await rolledOut("podrole", `deployment/${name}`);
      }));
  }
});
