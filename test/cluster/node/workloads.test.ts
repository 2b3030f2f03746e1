// Every kind of workload with a role, in a namespace under PodSecurity `restricted`: its pods are admitted, their
// containers get exactly the roles of their annotations, and its controllers work as without podrole.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { appContainer, cronJob, daemonSet, deploymentManifest, jobManifest, podManifest, statefulSet } from "./pods.ts";
import {
  assumedRolePattern,
  kubectl,
  Not,
  printDiagnosis,
  rolledOut,
  sts,
  untilSuccess,
  useNamespace,
} from "./suite.ts";

suite("workloads", { timeout: 900_000 }, () => {
  const shop = useNamespace("workloads", { labels: { "pod-security.kubernetes.io/enforce": "restricted" } });
  const orders = assumedRolePattern("shop-orders", shop.name);
  afterEach((context) => printDiagnosis(context, shop.name));

  test("the pods of a Deployment assume their role", async () => {
    await shop.apply(deploymentManifest("orders", { role: "shop-orders" }, 2));
    await rolledOut(shop.name, "deployment/orders");
    await shop.logs("deployment/orders", orders);
  });

  test("a Job completes: the sidecar stops after the app", async () => {
    await shop.apply(jobManifest("report", { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await shop.ok(["wait", "job/report", "--for=condition=Complete", "--timeout=120s"]);
    await shop.logs("job/report", orders);
  });

  test("the Job of a CronJob completes", async () => {
    await shop.apply(cronJob("nightly", { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await shop.ok(["create", "job", "nightly-now", "--from=cronjob/nightly"]);
    await shop.ok(["wait", "job/nightly-now", "--for=condition=Complete", "--timeout=120s"]);
    await shop.logs("job/nightly-now", orders);
  });

  test("the pod of a StatefulSet assumes its role with its own name in the session", async () => {
    await shop.apply(statefulSet("ledger", { role: "shop-orders" }));
    await rolledOut(shop.name, "statefulset/ledger");
    await shop.logs("ledger-0", new RegExp(`${orders.source}ledger-0$`, "m"));
  });

  test("a bare pod with restartPolicy Never succeeds", async () => {
    await shop.apply(podManifest("bare", { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await shop.ok(["wait", "pod/bare", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"]);
    await shop.logs("bare", orders);
  });

  test("a bare pod with restartPolicy Never fails if its app fails", async () => {
    const failing = appContainer("app", "once", { args: ["--eval", "process.exit(7)"] });
    await shop.apply(podManifest("failing", { role: "shop-orders", containers: [failing] }));
    await shop.ok(["wait", "pod/failing", "--for=jsonpath={.status.phase}=Failed", "--timeout=120s"]);
  });

  test("a user's init container gets credentials", async () => {
    const spec = { initContainers: [appContainer("prepare", "once")] };
    await shop.apply(podManifest("prepared", { role: "shop-orders", containers: [appContainer("app", "once")], spec }));
    await shop.ok(["wait", "pod/prepared", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"]);
    await shop.logs("prepared", orders, "prepare");
  });

  test("of three containers, two get their own role, and the excluded one gets none", async () => {
    const annotations = {
      "iam.amazonaws.com/role.mailer": "shop-mailer",
      "podrole.io/containers": "app,mailer",
    };
    const idle = { args: ["--eval", "setInterval(() => {}, 60000); process.on('SIGTERM', () => process.exit(0))"] };
    const containers = [appContainer(), appContainer("mailer"), appContainer("outsider", "stay", idle)];
    await shop.apply(podManifest("trio", { role: "shop-orders", annotations, containers }));
    await shop.ok(["wait", "pod/trio", "--for=condition=Ready", "--timeout=120s"]);
    await shop.logs("trio", orders);
    await shop.logs("trio", assumedRolePattern("shop-mailer", shop.name), "mailer");
    const seen = await shop.evaluate(
      "trio",
      "outsider",
      `const url = "http://127.0.0.1:9763/v1/credentials";
       const names = Object.keys(process.env).filter((name) => name.startsWith("AWS_CONTAINER"));
       const file = fs.existsSync("/var/run/secrets/podrole.io/token");
       const requests = [{}, { authorization: "guessed" }].map((headers) => fetch(url, { headers }).then((r) => r.status));
       Promise.all(requests).then((statuses) => console.log(JSON.stringify({ names, file, statuses })))`,
    );
    assert.deepEqual(JSON.parse(seen), { names: [], file: false, statuses: [401, 403] });
  });

  test("a Guaranteed pod stays Guaranteed", async () => {
    const resources = { limits: { cpu: "100m", memory: "128Mi" } };
    await shop.apply(
      podManifest("guaranteed", { role: "shop-orders", containers: [appContainer("app", "stay", { resources })] }),
    );
    await shop.ok(["wait", "pod/guaranteed", "--for=condition=Ready", "--timeout=120s"]);
    assert.equal(await shop.ok(["get", "pod", "guaranteed", "-o", "jsonpath={.status.qosClass}"]), "Guaranteed");
    await shop.ok(["delete", "pod", "guaranteed", "--wait=false"]);
  });

  test("classic mode: the app starts after the sidecar and assumes its role", async () => {
    await shop.apply(podManifest("classic", { role: "shop-orders", annotations: { "podrole.io/mode": "classic" } }));
    await shop.logs("classic", orders);
    await shop.ok(["delete", "pod", "classic", "--wait=false"]);
  });

  test("a container that exits is restarted with its credentials, and the sidecar keeps running", async () => {
    await shop.apply(
      deploymentManifest("restless", { role: "shop-orders", containers: [appContainer("app", "once")] }),
    );
    const restarts = [
      "get",
      "pods",
      "-l",
      "app=restless",
      "-o",
      "jsonpath={.items[0].status.containerStatuses[0].restartCount}",
    ];
    await shop.ok([
      "wait",
      "pod",
      "-l",
      "app=restless",
      "--for=jsonpath={.status.containerStatuses[0].restartCount}=1",
      "--timeout=120s",
    ]);
    assert.ok(Number(await shop.ok(restarts)) >= 1);
    await shop.logs("deployment/restless", orders);
    const sidecar = "jsonpath={.items[0].status.initContainerStatuses[?(@.name=='podrole-sidecar')].restartCount}";
    assert.equal(await shop.ok(["get", "pods", "-l", "app=restless", "-o", sidecar]), "0");
    await shop.ok(["delete", "deployment", "restless", "--wait=false"]);
  });

  test("--dry-run=server shows the injected pod and creates none", async () => {
    const shown = await shop.ok(
      ["create", "--dry-run=server", "-o", "json", "-f", "-"],
      podManifest("dry", { role: "shop-orders" }),
    );
    const { spec } = JSON.parse(shown) as { spec: { initContainers: { name: string }[] } };
    assert.ok(spec.initContainers.some(({ name }) => name === "podrole-sidecar"));
    assert.match((await shop.run(["get", "pod", "dry"])).err, /not found/);
  });

  test("every requested session is named after its pod and has the configured duration", async () => {
    const calls = (await sts.calls()).filter(({ action, sessionName }) => {
      return action === "AssumeRole" && sessionName?.startsWith(`${shop.name}.`);
    });
    assert.ok(calls.length >= 8);
    for (const { sessionName, durationSeconds, outcome } of calls) {
      assert.match(sessionName ?? "", /^workloads\.[a-z0-9.-]{1,53}$/);
      assert.deepEqual([durationSeconds, outcome], [3600, "ok"]);
    }
  });
});

suite("namespaces with limits", { timeout: 600_000 }, () => {
  const bound = useNamespace("bounded");
  const orders = assumedRolePattern("shop-orders", bound.name);
  afterEach((context) => printDiagnosis(context, bound.name));

  test("LimitRange and ResourceQuota admit the injected pod, and count the sidecar", async () => {
    const limits = {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name: "limits" },
      spec: {
        limits: [
          {
            type: "Container",
            default: { cpu: "200m", memory: "256Mi" },
            defaultRequest: { cpu: "20m", memory: "64Mi" },
            min: { cpu: "5m", memory: "16Mi" },
            max: { cpu: "1", memory: "512Mi" },
          },
        ],
      },
    };
    const hard = { "requests.cpu": "1", "requests.memory": "1Gi", "limits.cpu": "2", "limits.memory": "1Gi" };
    const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "quota" }, spec: { hard } };
    await bound.apply(JSON.stringify(limits));
    await bound.apply(JSON.stringify(quota));
    await bound.apply(podManifest("within", { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await bound.logs("within", orders);
  });

  test("a ResourceQuota that the pod exceeds denies it with its own message", async () => {
    const resources = { limits: { cpu: "1", memory: "512Mi" } };
    const containers = [appContainer("app", "once", { resources }), appContainer("more", "once", { resources })];
    const { code, err } = await bound.run(
      ["apply", "-f", "-"],
      podManifest("beyond", { role: "shop-orders", containers }),
    );
    assert.equal(code, 1);
    assert.match(err, /exceeded quota: quota/);
  });
});

suite("pods that podrole does not change", { timeout: 300_000 }, () => {
  const outside = useNamespace("outside");
  afterEach((context) => printDiagnosis(context, outside.name));

  const skipped = [
    { reason: "HOST_NETWORK", name: "on-the-host", shape: { role: "shop-orders", spec: { hostNetwork: true } } },
    {
      reason: "WINDOWS",
      name: "on-windows",
      shape: {
        role: "shop-orders",
        containers: [{ name: "app", image: "registry.example/windows:1" }],
        spec: { os: { name: "windows" }, securityContext: {} },
      },
    },
  ];
  for (const { reason, name, shape } of skipped) {
    test(`${reason}: the pod has no sidecar, and kubectl shows the reason`, async () => {
      const { code, out, err } = await outside.run(
        ["create", "--dry-run=server", "-o", "json", "-f", "-"],
        podManifest(name, shape),
      );
      assert.equal(code, 0, err);
      assert.doesNotMatch(out, /podrole-sidecar/);
      assert.match(err, new RegExp(`Warning: .*${reason}`));
    });
  }

  test("HOST_NETWORK: the DaemonSet of a skipped pod has an Event, and one whose pods opt out has none", async () => {
    const onTheHost = { role: "shop-orders", spec: { hostNetwork: true } };
    const optedOut = { ...onTheHost, annotations: { "podrole.io/inject": "disabled" } };
    await outside.apply(daemonSet("opted-out-agent", optedOut));
    await outside.apply(daemonSet("host-agent", onTheHost));
    const told = await untilSuccess("an Event on the DaemonSet", async () => {
      const text = await outside.ok(["describe", "daemonset", "host-agent"]);
      return /HOST_NETWORK/.test(text) ? text : new Not(text);
    });
    assert.match(told, /starts without podrole, so its role has no effect: The pod uses its node's network/);
    assert.match(
      await outside.ok(["get", "pods", "-l", "podrole.io/skipped=HOST_NETWORK", "-o", "name"]),
      /host-agent-/,
    );
    assert.doesNotMatch(await outside.ok(["describe", "daemonset", "opted-out-agent"]), /HOST_NETWORK/);
    assert.equal(await outside.ok(["get", "pods", "-l", "app=opted-out-agent,podrole.io/skipped", "-o", "name"]), "");
  });

  test("a pod that opts out has no sidecar: the webhook is not called, so its outage cannot block the pod", async () => {
    const shape = { role: "shop-orders", annotations: { "podrole.io/inject": "disabled" } };
    const args = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
    const { code, out, err } = await outside.run(args, podManifest("opted-out", shape));
    assert.equal(code, 0, err);
    assert.doesNotMatch(out, /podrole-sidecar/);
    assert.doesNotMatch(err, /Warning: .*INJECTION_DISABLED/);
    const opted = await outside.run(args, podManifest("opted-in", { role: "shop-orders" }));
    assert.match(opted.out, /podrole-sidecar/);
  });

  test("a pod of a namespace without the label is not changed", async () => {
    const shown = await kubectl.run(
      ["-n", "default", "create", "--dry-run=server", "-o", "json", "-f", "-"],
      podManifest("plain", { role: "shop-orders" }),
    );
    assert.equal(shown.code, 0, shown.err);
    assert.doesNotMatch(shown.out, /podrole-sidecar/);
  });
});
