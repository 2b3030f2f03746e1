// Three years of rotations on a fake clock: a replica that reads late, clients with old bundles, an operator's
// commands. Invariant at each moment: every valid leaf verifies against every bundle that a client may have.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  type Authorities,
  bundleOf,
  decodeAuthorities,
  encodeAuthorities,
  planRotation,
  type RotationOptions,
  type RotationVerb,
  rotateSlots,
} from "../../src/pki/authorities.ts";
import { readCertificates } from "../../src/pki/bundle.ts";
import { issueCertificate } from "../../src/pki/certificate.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { DAY_MS, HOUR_MS } from "../../src/runtime/clock.ts";
import { POD_SUBJECT, publicKeyOf, SAMPLE_NOW } from "./samples.ts";

const YEARS = 3;
const SETTLE = 10 * 60_000;
const PUBLIC_KEY = publicKeyOf(generateKeyPem());

/** Numbers in [0, 1) that are the same at each run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Leaf {
  readonly serial: string;
  readonly certificate: X509Certificate;
  readonly notAfter: number;
}
/** A bundle that a client received with a leaf; the client requests a newer one before that leaf expires. */
interface HeldBundle {
  readonly certificates: readonly X509Certificate[];
  readonly until: number;
}

/** Plays `YEARS` years; gives how often each thing happened. */
function simulate(options: RotationOptions, stepMs: number, verbsPerStep: number, random: () => number) {
  const counts = { created: 0, prepared: 0, activated: 0, retired: 0, issued: 0, verified: 0, verbs: 0 };
  const verified = new Set<string>();
  let leaves: Leaf[] = [];
  const bundles = new Map<string, HeldBundle>();
  let stored: Authorities | undefined;
  /** What a second replica read at its last look. */
  let read: Authorities | undefined;

  /** A random time later, or the next moment at which something may happen, whichever comes first. */
  function later(now: number): number {
    const published = (stored?.next?.since ?? 0) + SETTLE + (options.publishMs ?? options.leafLifetimeMs);
    const retirable = (stored?.previous?.since ?? 0) + SETTLE + options.leafLifetimeMs;
    const edges = [published, retirable].flatMap((edge) => [edge - 2000, edge]).filter((edge) => edge > now);
    return Math.min(now + stepMs * (0.2 + random()), ...edges);
  }

  function store(slots: Authorities, now: number): void {
    if (stored === undefined) counts.created++;
    if (slots.next && !stored?.next) counts.prepared++;
    if (stored?.next && slots.current.authority.certificatePem === stored.next.authority.certificatePem) {
      counts.activated++;
      assert.ok(
        now - stored.next.since >= (options.publishMs ?? options.leafLifetimeMs) + SETTLE,
        "published too briefly",
      );
      assert.equal(stored.previous, undefined, "a CA was dropped while its leaves might be valid");
    }
    if (stored?.previous && !slots.previous) counts.retired++;
    stored = decodeAuthorities(encodeAuthorities(slots));
  }

  for (let now = SAMPLE_NOW; now < SAMPLE_NOW + YEARS * 365 * DAY_MS; now = later(now)) {
    const verb = (["prepare", "activate", "retire"] as const)[Math.floor(random() * 3)] as RotationVerb;
    if (stored && random() < verbsPerStep) {
      const result = rotateSlots(verb, stored, now, options);
      if (result.ok) {
        counts.verbs++;
        store(result.value, now);
      }
    }
    for (let plan = planRotation(stored, now, options); plan.hasChanged; plan = planRotation(stored, now, options)) {
      store(plan.authorities, now);
    }
    const slots = stored ?? assert.fail("there is no CA");
    // The second replica has not read the Secret yet, and is called shortly before it does.
    for (const [seen, issuedAt] of [
      [slots, now],
      [read ?? slots, now + SETTLE - 1],
    ] as const) {
      const request = { authority: seen.current.authority, publicKey: PUBLIC_KEY, subject: POD_SUBJECT };
      const { pem, serial, notAfter } = issueCertificate({
        ...request,
        now: issuedAt,
        lifetimeMs: options.leafLifetimeMs,
      });
      assert.ok(notAfter - issuedAt > options.leafLifetimeMs - 1000, "a leaf was cut short by its CA");
      leaves.push({ serial, certificate: new X509Certificate(pem), notAfter });
      const bundle = bundleOf(seen);
      const held = bundles.get(bundle) ?? { certificates: readCertificates(bundle), until: 0 };
      bundles.set(bundle, { ...held, until: Math.max(held.until, issuedAt + options.leafLifetimeMs) });
      counts.issued++;
    }
    read = slots;
    leaves = leaves.filter(({ notAfter }) => notAfter > now);
    for (const [bundle, { until }] of bundles) if (until <= now) bundles.delete(bundle);
    for (const { serial, certificate } of leaves) {
      for (const [bundle, { certificates }] of bundles) {
        const pair = serial + bundle;
        if (verified.has(pair)) continue;
        verified.add(pair);
        const isBelieved = certificates.some(
          (ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey) && ca.validToDate.getTime() > now,
        );
        assert.ok(isBelieved, `a leaf does not verify against a bundle at ${new Date(now).toISOString()}`);
        counts.verified++;
      }
    }
  }
  return counts;
}

const FAST: RotationOptions = { commonName: "podrole CA", lifetimeMs: 90 * DAY_MS, leafLifetimeMs: 6 * DAY_MS };

test("planRotation(): every leaf verifies against every bundle a client may hold, for three years of a 90-day CA", () => {
  const counts = simulate(FAST, 36 * HOUR_MS, 0, randomFrom(1));
  // The next one is made at half the life and signs from five sixths on: it signs for half of its life.
  assert.ok(counts.activated >= 20, JSON.stringify(counts));
  assert.equal(counts.created, 1);
  assert.ok(counts.prepared - counts.activated <= 1 && counts.activated - counts.retired <= 1, JSON.stringify(counts));
});

test("planRotation(): the same holds when an operator prepares, activates and retires at random", () => {
  const counts = simulate(FAST, 36 * HOUR_MS, 0.5, randomFrom(2));
  assert.ok(counts.verbs > 50 && counts.activated > 20, JSON.stringify(counts));
});

test("planRotation(): the same holds with the defaults of a year and an hour, seen every two days", () => {
  const options = { commonName: "podrole CA", lifetimeMs: 365 * DAY_MS, leafLifetimeMs: HOUR_MS };
  const counts = simulate(options, 2 * DAY_MS, 0, randomFrom(3));
  assert.equal(counts.created, 1);
  assert.ok(counts.activated >= 3, JSON.stringify(counts));
});
