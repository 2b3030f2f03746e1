// podrole audit as a command: records on standard input or in files, answers on standard output.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  admission,
  call,
  certificate,
  creation,
  credentials,
  linesOf,
  SAMPLE_ROLE_ARN,
} from "../../operations/audit/samples.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";
import { partOf, runAudit } from "./run-audit.ts";

const directory = createTemporaryDirectory({ after });

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const JSON_OUT = { output: "json" };

suite("podrole audit who", () => {
  const who = (flags: Readonly<Record<string, string>>, records: readonly (object | string)[]) =>
    runAudit(["who"], { role: "shop-orders", ...JSON_OUT, ...flags }, records);

  test("does not answer from logs without a line, as after a failed command in a pipeline", async () => {
    const { exitCode, out, err } = await runAudit(["who"], { role: "shop-orders" }, []);
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(err, /^podrole audit who: Cannot answer: standard input: no line; expected the logs of podrole's /m);
    assert.equal((await runAudit(["who"], { role: "shop-orders" }, ["no record"])).exitCode, 0);
  });

  test("prints one row for each container of a pod instance, in any order of lines", async () => {
    const renewed = credentials({
      time: "2026-11-26T08:30:00Z",
      accessKeyId: "ASIAEXAMPLE000000002",
      outcome: "renewed",
    });
    const [row, ...more] = (await who({}, [renewed, credentials(), certificate(), admission()])).json();
    assert.deepEqual(more, []);
    assert.deepEqual([row?.["issues"], row?.["first"]], [2, "2026-11-26T08:00:02.000Z"]);
    const sessions = row?.["sessions"] as { accessKeyId: string }[];
    assert.deepEqual(
      sessions.map(({ accessKeyId }) => accessKeyId),
      ["ASIAEXAMPLE000000001", "ASIAEXAMPLE000000002"],
    );
    assert.equal(partOf(row, "admission")["user"], "alice@example.com");
    assert.equal(partOf(row, "certificate")["credentialId"], "JTI=t-1");
  });

  for (const role of ["shop-orders", SAMPLE_ROLE_ARN, "/shop-orders"]) {
    test(`accepts the role as ${role}`, async () => {
      assert.equal((await who({ role }, [credentials()])).json().length, 1);
    });
  }

  test("does not mistake a role for another whose name ends like it", async () => {
    const { exitCode, out, err } = await runAudit(["who"], { role: "orders" }, [credentials()]);
    assert.deepEqual([exitCode, out], [0, ""]);
    assert.match(err, /^podrole audit who: no container received role orders, as far as the logs reach back$/m);
  });

  test("accepts the name alone of a role with a path", async () => {
    const role = "arn:aws:iam::123456789012:role/team/shop-orders";
    for (const given of ["shop-orders", "team/shop-orders", role]) {
      assert.equal((await who({ role: given }, [credentials({ role })])).json().length, 1, given);
    }
    assert.equal((await who({ role: "other/shop-orders" }, [credentials({ role })])).json().length, 0);
  });

  test("leaves out refusals, other namespaces and grants before --since, but keeps an older admission of the pod", async () => {
    const records = [
      admission(),
      credentials({ decision: "refused", reason: "STS_DENIED" }),
      credentials({ namespace: "other" }),
      credentials({ time: "2026-11-26T09:00:00Z" }),
    ];
    const rows = (await who({ since: "2026-11-26T08:30:00Z", namespace: "shop" }, records)).json();
    assert.deepEqual(
      rows.map(({ first, issues }) => [first, issues]),
      [["2026-11-26T09:00:00.000Z", 1]],
    );
    assert.equal(partOf(rows[0], "admission")["user"], "alice@example.com");
  });

  test("finds a controller's pod by generateName, and reports that the admission is not exact", async () => {
    const owner = { kind: "ReplicaSet", name: "web-5d9f" };
    const unnamed = { pod: undefined, generateName: "web-5d9f-", owner, user: "system:serviceaccount:kube-system:rs" };
    const records = [
      admission({ ...unnamed, request: "r-1" }),
      admission({ ...unnamed, request: "r-2", time: "2026-11-26T08:00:00.200Z" }),
      admission({ ...unnamed, request: "r-3", time: "2026-11-26T12:00:00.200Z" }),
      admission({ ...unnamed, generateName: "web-0000-", request: "r-4" }),
      credentials({ pod: "web-5d9f-abcde" }),
    ];
    const [row] = (await who({}, records)).json();
    const { request, owner: reported, exact } = partOf(row, "admission");
    assert.deepEqual([request, reported, exact], ["r-2", "ReplicaSet/web-5d9f", false]);
  });

  test("ignores dry runs and refusals when it looks for the pod's admission", async () => {
    const records = [admission({ dryRun: true }), admission({ decision: "refuse" }), credentials()];
    assert.equal((await who({}, records)).json()[0]?.["admission"], undefined);
  });

  test("joins the API server's log through the request, and CloudTrail through the access key", async () => {
    const token = creation({
      user: { username: "system:node:n1" },
      objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "default" },
      annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=t-1" },
    });
    const events = [creation(), token, creation({ stage: "RequestReceived", user: { username: "mallory" } })];
    const stranger = call({ userIdentity: { accessKeyId: "ASIAEXAMPLE000000009" } });
    const trail = { Records: [call(), call({ errorCode: "AccessDenied" }), stranger] };
    const rows = (
      await who(
        {
          apiAuditLog: await file("api.log", linesOf(events)),
          cloudtrail: await file("trail.json.gz", gzipSync(JSON.stringify(trail))),
        },
        [admission(), certificate(), credentials()],
      )
    ).json();
    const { user, sourceIps, tokenAskedForBy } = partOf(rows[0], "apiServer");
    assert.deepEqual([user, sourceIps, tokenAskedForBy], ["alice@example.com", ["192.0.2.1"], "system:node:n1"]);
    const [session] = (rows[0]?.["sessions"] ?? []) as { awsCalls: Record<string, unknown>[] }[];
    const [{ action, count, errors } = {}, ...others] = session?.awsCalls ?? [];
    assert.deepEqual([action, count, errors, others], ["s3:GetObject", 2, { AccessDenied: 1 }, []]);
  });
});

suite("podrole audit pod", () => {
  test("prints the steps of a pod in order, with both instances of a recreated one", async () => {
    const second = { podUid: "u-2", credentialId: "JTI=t-2", serial: "02CD", time: "2026-11-26T10:00:01Z" };
    const again = credentials({ podUid: "u-2", accessKeyId: "ASIAEXAMPLE000000002", time: "2026-11-26T10:00:02Z" });
    const records = [
      again,
      certificate(second),
      credentials(),
      certificate(),
      admission(),
      credentials({ pod: "other" }),
    ];
    const rows = (await runAudit(["pod", "shop/orders"], JSON_OUT, records)).json();
    assert.deepEqual(
      rows.map(({ what, podUid }) => [what, podUid]),
      [
        ["admitted", undefined],
        ["certificate", "u-1"],
        ["credentials", "u-1"],
        ["certificate", "u-2"],
        ["credentials", "u-2"],
      ],
    );
  });

  test("pod, who: name each address that received the credentials, and count issuances that were not written", async () => {
    const own = credentials({ peer: "10.0.1.7:40000" });
    const thief = { peer: "10.0.9.9:50000", outcome: "hit" };
    const records = [
      own,
      credentials({ ...thief, time: "2026-11-26T08:05:00.000Z" }),
      credentials({ ...thief, time: "2026-11-26T08:06:00.000Z", omitted: 3 }),
    ];
    const since = { first: "2026-11-26T08:05:00.000Z", last: "2026-11-26T08:06:00.000Z" };
    const receivers = [
      { address: "10.0.1.7", issues: 1, first: "2026-11-26T08:00:02.000Z", last: "2026-11-26T08:00:02.000Z" },
      { address: "10.0.9.9", issues: 5, ...since },
    ];
    const [step] = (await runAudit(["pod", "shop/orders"], JSON_OUT, records)).json();
    assert.deepEqual(step?.["receivers"], receivers);
    const [row] = (await runAudit(["who"], { role: "shop-orders", ...JSON_OUT }, records)).json();
    assert.equal(row?.["issues"], 6);
    assert.deepEqual((row?.["sessions"] as { receivers: unknown }[] | undefined)?.[0]?.receivers, receivers);
    const pod = (await runAudit(["pod", "shop/orders"], {}, records)).out;
    assert.match(pod, /; received by 10\.0\.1\.7 ×1, and by 10\.0\.9\.9 ×5 since 2026-11-26T08:05:00Z/);
    assert.match((await runAudit(["who"], { role: "shop-orders" }, records)).out, /, received by 2 addresses/);
    assert.doesNotMatch((await runAudit(["who"], { role: "shop-orders" }, [own])).out, /addresses/);
  });

  test("pod: lines of one certificate count once, and a certificate of which nothing is confirmed says so", async () => {
    const request = { credentialId: undefined, podCertificateRequest: "req-1" };
    const repeated = certificate({ ...request, evidence: "status", time: "2026-11-26T08:09:00.000Z" });
    const doubtful = certificate({ ...request, evidence: "signed", serial: "02CD", time: "2026-11-26T08:02:00.000Z" });
    const records = [repeated, certificate(request), doubtful, credentials()];
    const rows = (await runAudit(["pod", "shop/orders"], JSON_OUT, records)).json();
    const certificates = rows.filter(({ what }) => what === "certificate");
    assert.deepEqual(
      certificates.map(({ at, serial, evidence }) => [at, serial, evidence]),
      [
        ["2026-11-26T08:00:01.000Z", "01AB", undefined],
        ["2026-11-26T08:02:00.000Z", "02CD", "signed"],
      ],
    );
    const { out } = await runAudit(["pod", "shop/orders"], {}, records);
    assert.equal(out.match(/not confirmed by the API server/g)?.length, 1);
  });

  test("prints refusals, and nothing of a pod with this name in another namespace", async () => {
    const refused = { decision: "refused", reason: "STS_DENIED", message: "Cannot assume role" };
    const records = [credentials(refused), credentials({ ...refused, namespace: "other" })];
    const { out } = await runAudit(["pod", "shop/orders"], {}, records);
    assert.equal(out.match(/credentials of app: STS_DENIED: Cannot assume role/g)?.length, 1);
  });

  test("says how many equal refusals a line stands for", async () => {
    const refused = { decision: "refused", reason: "STS_DENIED", message: "Cannot assume role" };
    const records = [credentials(refused), credentials({ ...refused, time: "2026-11-26T08:01:02.000Z", omitted: 5 })];
    const { out } = await runAudit(["pod", "shop/orders"], {}, records);
    assert.match(out, /credentials of app: STS_DENIED: Cannot assume role/);
    assert.match(out, /credentials of app ×6 since the line before: STS_DENIED: Cannot assume role/);
    const rows = (await runAudit(["pod", "shop/orders"], JSON_OUT, records)).json();
    assert.deepEqual(
      rows.map(({ omitted }) => omitted),
      [undefined, 5],
    );
  });
});

suite("podrole audit key", () => {
  test("names the pod behind an access key, and no other", async () => {
    const records = [credentials(), credentials({ pod: "web", accessKeyId: "ASIAEXAMPLE000000002" })];
    const rows = (await runAudit(["key", "ASIAEXAMPLE000000002"], JSON_OUT, records)).json();
    assert.deepEqual(
      rows.map(({ pod }) => pod),
      ["web"],
    );
  });
});

suite("podrole audit", () => {
  test("skips other lines and prints their number", async () => {
    const { exitCode, err } = await runAudit(["who"], { role: "shop-orders" }, [
      "npm warn audit",
      '{"level":30,"message":"server is up"}',
      '{"audit":"credentials"',
      credentials(),
    ]);
    assert.equal(exitCode, 0);
    const counts = "1 record (credentials since 2026-11-26T08:00:02Z), 3 other lines";
    assert.ok(err.split("\n").includes(`podrole audit who: standard input: ${counts}`), err);
  });

  test("prints how far the records of each kind reach back, also those that the question leaves out", async () => {
    const later = credentials({ time: "2026-11-26T09:00:00.000Z" });
    const { err } = await runAudit(["who"], { role: "orders" }, [later, admission(), credentials(), later]);
    assert.match(
      err,
      /: 4 records \(admission since 2026-11-26T08:00:00Z, credentials since 2026-11-26T08:00:02Z\), 0 other lines$/m,
    );
  });

  test("escapes characters that control a terminal", async () => {
    const records = [admission({ decision: "refuse", reason: "ROLE_INVALID", message: "role \u001b[2Jevil\u202e" })];
    const { out } = await runAudit(["refusals"], {}, records);
    assert.match(out, /role \\u\{1b\}\[2Jevil\\u\{202e\}/);
  });

  test("escapes characters that control a terminal in JSON, which changes no value", async () => {
    const message = "role \u001b[2J\u009b2J\u202eevil\u{e0001}";
    const refusal = admission({ decision: "refuse", reason: "ROLE_INVALID", message });
    const { out, json } = await runAudit(["refusals"], { output: "json" }, [refusal]);
    assert.match(out, /role \\u001b\[2J\\u009b2J\\u202eevil\\udb40\\udc01/);
    assert.equal(json()[0]?.["message"], message);
  });

  for (const [name, args, flags, problem] of [
    [
      "--since",
      ["who"],
      { role: "a", since: "monday" },
      /^podrole audit who: --since: "monday" is not an RFC 3339 time/,
    ],
    [
      "--since after --until",
      ["who"],
      { role: "a", since: "1h", until: "2h" },
      /--since: "1h" is later than --until "2h"/,
    ],
    ["--filename", ["who"], { role: "a", filename: "/none" }, /--filename: "\/none" cannot be read/],
    ["a directory", ["who"], { role: "a", filename: directory }, /--filename: .* cannot be read/],
    ["--cloudtrail", ["who"], { role: "a", cloudtrail: "/none" }, /--cloudtrail: "\/none" cannot be read/],
    ["--reason", ["refusals"], { reason: "FORBIDDEN" }, /--reason: "FORBIDDEN" is not one of "ROLE_FORBIDDEN", /],
    ["pod", ["pod", "orders"], {}, /<namespace\/name>: "orders" is not a pod/],
    ["key", ["key", "asia"], {}, /<access-key-id>: "asia" is not an access key ID/],
    ["--kubeconfig", ["who"], { role: "a", kubeconfig: "x" }, /--kubeconfig needs --from-cluster/],
    ["both sources", ["who"], { role: "a", filename: "x", fromCluster: "true" }, /"x" and --from-cluster exclude/],
  ] as const) {
    test(`refuses ${name} with the given text and what is expected`, async () => {
      const { exitCode, out, err } = await runAudit(args, flags);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, problem);
    });
  }

  test("answers from the readable part of a damaged archive and returns 1", async () => {
    const whole = gzipSync(linesOf(Array.from({ length: 2_000 }, () => credentials())));
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 60, 90);
    const { exitCode, err } = await runAudit(["who"], { role: "shop-orders", filename: await file("bad.gz", damaged) });
    assert.equal(exitCode, 1);
    assert.match(err, /bad\.gz could not be read to its end/);
  });

  test("reads rotated archives and the current log; an archive that is still being written is read up to its end", async () => {
    const part = gzipSync(linesOf(Array.from({ length: 100 }, () => credentials())));
    const files = [
      await file("a.log.2.gz", Buffer.concat([part, part])),
      await file("a.log.1.gz", part.subarray(0, part.length - 4)),
      await file("a.log", linesOf([credentials()])),
    ];
    const { exitCode, json } = await runAudit(["who"], {
      role: "shop-orders",
      ...JSON_OUT,
      filename: files.join("\n"),
    });
    assert.deepEqual([exitCode, json()[0]?.["issues"]], [0, 301]);
  });
});
