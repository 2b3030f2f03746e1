import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { convertKiam } from "../../../../src/operations/migrate/from-kiam/flag-table.ts";
import { readKiamValues } from "../../../../src/operations/migrate/from-kiam/helm-values.ts";
import { podroleSettings } from "../../../../src/operations/migrate/settings/podrole-settings.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

suite("readKiamValues()", () => {
  const values = {
    server: {
      log: { jsonOutput: true, level: "warn" },
      roleBaseArn: EXPORT_BASE_ARN,
      sessionDuration: "15m",
      extraArgs: { region: "eu-west-1", session: "prod", "disable-strict-namespace-regexp": "" },
      tolerations: [{ operator: "Exists" }],
      resources: {},
      affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1 }] } },
      deployment: { enabled: true, replicas: 3 },
      prometheus: { scrape: true },
    },
    agent: { host: { iptables: true, interface: "cali+" }, updateStrategy: "RollingUpdate" },
    serviceAccounts: { server: { annotations: { "eks.amazonaws.com/role-arn": `${EXPORT_BASE_ARN}kiam-server` } } },
  };

  test("returns the flags that the chart's templates generate, and the values that generate none", () => {
    const { server, agent, others } = readKiamValues(values);
    assert.deepEqual(Object.fromEntries(server), {
      "json-log": "true",
      level: "warn",
      "role-base-arn": EXPORT_BASE_ARN,
      "session-duration": "15m",
      region: "eu-west-1",
      session: "prod",
      "disable-strict-namespace-regexp": "true",
    });
    assert.deepEqual(Object.fromEntries(agent), { iptables: "true", "host-interface": "cali+" });
    assert.deepEqual(others, ["server.affinity", "agent.updateStrategy"]);
  });

  test("keeps where the server runs, and its ServiceAccount", () => {
    assert.deepEqual(readKiamValues(values).placement, {
      replicas: 3,
      tolerations: [{ operator: "Exists" }],
      serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": `${EXPORT_BASE_ARN}kiam-server` } },
    });
    assert.deepEqual(readKiamValues({ server: { deployment: { enabled: false, replicas: 3 } } }).placement, {});
  });

  test("keeps a node selector and an annotation without text, and leaves out what has no key", () => {
    const nodeSelector = { "node-role.kubernetes.io/control-plane": "" };
    const podAnnotations = { "example.com/empty": "" };
    const server = { nodeSelector, podAnnotations, podLabels: {}, tolerations: [], extraEnv: null };
    assert.deepEqual(readKiamValues({ server }).placement, { nodeSelector, podAnnotations });
    assert.deepEqual(readKiamValues({ server: { nodeSelector: {} } }).placement, {});
  });

  test("detects the base ARN if the values have none, as the template does", () => {
    assert.equal(readKiamValues({}).server.get("role-base-arn-autodetect"), "true");
  });

  test("returns flags that convert to settings with which podrole starts", () => {
    const { server, agent } = readKiamValues(values);
    const target = podroleSettings(convertKiam(server, agent), {}, true);
    assert.ok(target.ok, JSON.stringify(target));
    assert.equal(target.value.policy.strictNamespaceRegexp, false);
  });
});
