// The stand-ins for src/pki behave like what they replace, and each stand-in has the names that its importers use.
import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import type * as realKubernetesClient from "../../src/kubernetes/client.ts";
import * as realBundle from "../../src/pki/bundle.ts";
import { createAuthority, issueCertificate } from "../../src/pki/certificate.ts";
import * as real from "../../src/pki/der.ts";
import type * as realProtocolClient from "../../src/protocol/client.ts";
import type * as realListener from "../../src/protocol/listener.ts";
import type * as realFiles from "../../src/runtime/files.ts";
import type * as realMetrics from "../../src/runtime/metrics.ts";
import type * as realNextCheck from "../../src/runtime/next-check.ts";
import type * as realPages from "../../src/runtime/pages.ts";
import type * as realTcp from "../../src/runtime/tcp.ts";
import type * as realSts from "../../src/server/aws/sts.ts";
import type * as realStateApp from "../../src/server/state/state-app.ts";
import type * as realMemoryVolume from "../../src/sidecar/files/memory-volume.ts";
import type * as realPodServers from "../../src/sidecar/http/servers.ts";
import type * as realWebhookApp from "../../src/webhook/app.ts";
import * as bundleStandIn from "./stand-ins/bundle.ts";
import * as clientStandIn from "./stand-ins/client.ts";
import * as crypto from "./stand-ins/crypto.ts";
import * as derStandIn from "./stand-ins/der.ts";
import * as filesStandIn from "./stand-ins/files.ts";
import * as kubernetesStandIn from "./stand-ins/kubernetes-client.ts";
import * as listenerStandIn from "./stand-ins/listener.ts";
import * as memoryVolumeStandIn from "./stand-ins/memory-volume.ts";
import * as metricsStandIn from "./stand-ins/metrics.ts";
import * as nextCheckStandIn from "./stand-ins/next-check.ts";
import * as pagesStandIn from "./stand-ins/pages.ts";
import * as podServersStandIn from "./stand-ins/pod-servers.ts";
import * as stateAppStandIn from "./stand-ins/state-app.ts";
import * as stsStandIn from "./stand-ins/sts.ts";
import * as tcpStandIn from "./stand-ins/tcp.ts";
import * as webhookAppStandIn from "./stand-ins/webhook-app.ts";

/** The names that a module exports: a name that has changed there is an error of the compiler here. */
type Names<Module> = Readonly<Record<keyof Module, unknown>>;

const standIns = {
  der: derStandIn satisfies Names<typeof real>,
  client: clientStandIn satisfies Names<typeof realProtocolClient>,
  files: filesStandIn satisfies Names<typeof realFiles>,
  nextCheck: nextCheckStandIn satisfies Names<typeof realNextCheck>,
  tcp: tcpStandIn satisfies Names<typeof realTcp>,
  memoryVolume: memoryVolumeStandIn satisfies Names<typeof realMemoryVolume>,
  podServers: podServersStandIn satisfies Names<typeof realPodServers>,
  listener: listenerStandIn satisfies Pick<Names<typeof realListener>, "createListener">,
  pages: pagesStandIn satisfies Pick<Names<typeof realPages>, "openPages">,
  metrics: metricsStandIn satisfies Pick<Names<typeof realMetrics>, "createMetrics">,
  stateApp: stateAppStandIn satisfies Pick<Names<typeof realStateApp>, "openStatePort">,
  sts: stsStandIn satisfies Pick<Names<typeof realSts>, "createSts">,
  webhookApp: webhookAppStandIn satisfies Pick<Names<typeof realWebhookApp>, "createWebhookApp">,
  kubernetes: kubernetesStandIn satisfies Pick<Names<typeof realKubernetesClient>, "createKubernetes">,
};

const now = Date.parse("2026-01-01T00:00:00Z");
const authority = createAuthority({ commonName: "podrole CA", now, lifetimeMs: 86_400_000 });
const issued = issueCertificate({
  authority,
  publicKey: createPublicKey(authority.key.reveal()),
  subject: { kind: "pod", uri: "spiffe://cluster.local/ns/shop/sa/default/pod/app/uid" },
  now,
  lifetimeMs: 3_600_000,
});

suite("simulate: stand-ins", () => {
  test("bundle.ts answers as src/pki/bundle.ts does, each time", () => {
    const other = createAuthority({ commonName: "another CA", now, lifetimeMs: 86_400_000 }).certificatePem;
    const bundles = ["", "no bundle", other, `${authority.certificatePem}${other}`, `${other}${other}`];
    for (const pem of [...bundles, ...bundles]) {
      assert.equal(bundleStandIn.bundleHash(pem), realBundle.bundleHash(pem));
      assert.deepEqual(bundleStandIn.readCertificates(pem).map(String), realBundle.readCertificates(pem).map(String));
      assert.equal(bundleStandIn.joinBundle([other, pem]), realBundle.joinBundle([other, pem]));
    }
  });

  test("der.ts exports what src/pki/der.ts exports", () => {
    assert.deepEqual(Object.keys(standIns.der).toSorted(), Object.keys(real).toSorted());
  });

  test("decodeDer() of der.ts reads a certificate as src/pki/der.ts does", () => {
    const { raw } = new X509Certificate(issued.pem);
    const [mine, theirs] = [derStandIn.decodeDer(raw), real.decodeDer(raw)];
    assert.ok(mine && theirs);
    const compare = (own: derStandIn.Der, other: real.Der): void => {
      if (Buffer.isBuffer(own.value)) return assert.deepEqual(own.value, real.content(other));
      assert.equal(own.value.length, real.parts(other)?.length);
      for (const [at, part] of own.value.entries()) compare(part, real.parts(other)?.[at] as real.Der);
    };
    compare(mine, theirs);
    assert.equal(derStandIn.decodeDer(raw.subarray(1)), undefined);
  });

  test("encodeDer() of der.ts gives each value an encoding of its own, which decodeDer() reads", () => {
    const [one, other] = [1, 2].map((number) => derStandIn.sequence(derStandIn.integer(number), derStandIn.yes()));
    assert.ok(one && other);
    const encoded = derStandIn.encodeDer(one);
    assert.equal(derStandIn.decodeDer(encoded), one);
    assert.equal(derStandIn.encodeDer(one), encoded);
    assert.notDeepEqual(derStandIn.encodeDer(other), encoded);
    assert.ok(derStandIn.isSameDer(one, derStandIn.sequence(derStandIn.integer(1), derStandIn.yes())));
    assert.ok(!derStandIn.isSameDer(one, other));
  });

  test("X509Certificate of crypto.ts has the members of node:crypto's for a CA and a leaf", () => {
    for (const pem of [authority.certificatePem, issued.pem]) {
      const [mine, theirs] = [new crypto.X509Certificate(pem), new X509Certificate(pem)];
      assert.equal(mine.raw.compare(theirs.raw), 0);
      assert.equal(mine.toString(), theirs.toString());
      assert.equal(mine.ca, theirs.ca);
      assert.deepEqual([mine.validFromDate, mine.validToDate], [theirs.validFromDate, theirs.validToDate]);
    }
    const [leaf, ca] = [new crypto.X509Certificate(issued.pem), new crypto.X509Certificate(authority.certificatePem)];
    assert.ok(leaf.checkIssued(ca));
    assert.ok(!ca.checkIssued(leaf));
  });
});
