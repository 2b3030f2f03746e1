// podrole's containers in namespaces with LimitRanges and ResourceQuotas.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type NamespaceLimits, quotaOf, rangesOf, type SizeRange } from "../../src/injection/namespace-limits.ts";
import { plan } from "../../src/injection/plan.ts";
import type { Pod, ResourceRequirements } from "../../src/kubernetes/objects.ts";
import { fc } from "../property.ts";
import { podIn } from "./injected-pod.ts";
import { limitRangerProblems, withRangeDefaults } from "./limit-ranger.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const podWith = (...sizes: readonly (ResourceRequirements | undefined)[]): Pod => ({
  metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
  spec: {
    containers: sizes.map((resources, index) => Object.assign({ name: `app-${index}` }, resources && { resources })),
  },
});

const rangeOf = (...limits: readonly object[]) => rangesOf({ metadata: { name: "sizes" }, spec: { limits } });
const quotaWith = (hard: object, used: object = {}, scopes: object = {}) => {
  const quota = quotaOf({ metadata: { name: "team" }, spec: { hard, ...scopes }, status: { used } });
  return quota === undefined ? [] : [quota];
};

function planned(pod: Pod, limits: Partial<NamespaceLimits>, annotations: Readonly<Record<string, string>> = {}) {
  const { namespace, ...input } = inShop(pod);
  const placed = {
    ...namespace,
    annotations: { ...namespace.annotations, ...annotations },
    limits: { ranges: [], quotas: [], ...limits },
  };
  return plan({ ...input, namespace: placed }, PLAN_SETTINGS);
}

const GUARANTEED = { limits: { cpu: "1", memory: "1Gi" } };
const NONE = Object.fromEntries(
  ["cpu-request", "cpu-limit", "memory-request", "memory-limit"].map((end) => [`podrole.io/sidecar-${end}`, "none"]),
);

const cases: readonly {
  readonly title: string;
  readonly own?: ResourceRequirements;
  readonly limits: Partial<NamespaceLimits>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly expected: ResourceRequirements;
}[] = [
  {
    title: "the usual sizes without rules",
    limits: {},
    expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "96Mi" } },
  },
  {
    title: "requests raised to the least",
    limits: { ranges: rangeOf({ type: "Container", min: { cpu: "20m", memory: "64Mi" } }) },
    expected: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "96Mi" } },
  },
  {
    title: "a limit lowered to the most, and one set where the most demands it",
    limits: { ranges: rangeOf({ type: "Container", max: { cpu: "200m", memory: "64Mi" } }) },
    expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "200m", memory: "64Mi" } },
  },
  {
    title: "a request raised for a ratio of limit to request",
    limits: { ranges: rangeOf({ type: "Container", maxLimitRequestRatio: { cpu: "10", memory: "2" } }) },
    expected: { requests: { cpu: "50m", memory: "48Mi" }, limits: { cpu: "500m", memory: "96Mi" } },
  },
  {
    title: "what the pod's other containers leave",
    own: { limits: { memory: "448Mi" } },
    limits: { ranges: rangeOf({ type: "Pod", max: { memory: "512Mi" } }) },
    expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } },
  },
  {
    title: "a default limit of the LimitRange",
    limits: { ranges: rangeOf({ type: "Container", default: { cpu: "300m" } }) },
    expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "300m", memory: "96Mi" } },
  },
  {
    title: "equal requests and limits in a Guaranteed pod",
    own: GUARANTEED,
    limits: { ranges: rangeOf({ type: "Container", min: { cpu: "150m" }, max: { memory: "64Mi" } }) },
    expected: { requests: { cpu: "150m", memory: "64Mi" }, limits: { cpu: "150m", memory: "64Mi" } },
  },
  {
    title: "limits where a quota demands them",
    limits: { quotas: quotaWith({ "limits.cpu": "10", "limits.memory": "10Gi" }) },
    expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "500m", memory: "96Mi" } },
  },
  {
    title: "requests and limits where a quota demands them, although the namespace says none",
    annotations: NONE,
    limits: { quotas: quotaWith({ "requests.cpu": "10", "limits.memory": "10Gi" }) },
    expected: { requests: { cpu: "10m", memory: "48Mi" }, limits: { memory: "48Mi" } },
  },
  {
    title: "equal requests and limits of annotations, lowered to what the pod's requests leave",
    own: { requests: { cpu: "85m" } },
    annotations: { "podrole.io/sidecar-cpu-request": "50m", "podrole.io/sidecar-cpu-limit": "50m" },
    limits: { ranges: rangeOf({ type: "Pod", max: { cpu: "100m" } }) },
    expected: { requests: { cpu: "15m", memory: "32Mi" }, limits: { cpu: "15m", memory: "96Mi" } },
  },
];

suite("fitSizes() gives podrole-sidecar", () => {
  for (const { title, own, limits, annotations, expected } of cases) {
    test(title, () => {
      const made = planned(podWith(own), limits, annotations);
      const [sidecar] = podIn(made).spec.initContainers ?? [];
      assert.deepEqual(sidecar?.resources, expected);
      assert.deepEqual(made.warnings, []);
    });
  }
});

for (const [title, pod, limits, message] of [
  [
    "a most below the least that works",
    podWith(undefined),
    { ranges: rangeOf({ type: "Container", max: { memory: "32Mi" } }) },
    'Cannot size container "podrole-sidecar": LimitRange "sizes" allows a container at most 32Mi of memory; expected at least 48Mi',
  ],
  [
    "a pod that uses all that it may",
    podWith({ limits: { memory: "500Mi" } }),
    { ranges: rangeOf({ type: "Pod", max: { memory: "512Mi" } }) },
    'Cannot size container "podrole-sidecar": LimitRange "sizes" allows a pod at most 512Mi of memory, and its other containers have 500Mi; expected at least 48Mi',
  ],
  [
    "a min of containers for which the max of the pod leaves no room",
    podWith({ requests: { cpu: "90m" } }),
    { ranges: rangeOf({ type: "Container", min: { cpu: "20m" } }, { type: "Pod", max: { cpu: "100m" } }) },
    'Cannot size container "podrole-sidecar": LimitRange "sizes" allows a pod at most 100m of cpu, and its other containers have 90m; expected at least 20m, the min of LimitRange "sizes"',
  ],
] as const) {
  test(`fitSizes() refuses ${title} with LIMITS_CONFLICT, the container and the rule`, () => {
    const { decision, reason, message: said } = planned(pod, limits);
    assert.deepEqual([decision, reason, said], ["refuse", "LIMITS_CONFLICT", message]);
  });
}

for (const [used, left] of [
  ["895m", "5m"],
  ["900m", "0"],
] as const) {
  test(`quotaWarnings() names the container and the quota that has ${left} left for it`, () => {
    const limits = { quotas: quotaWith({ "requests.cpu": "1" }, { "requests.cpu": used }) };
    const { decision, warnings } = planned(podWith({ requests: { cpu: "100m" } }), limits);
    assert.equal(decision, "inject");
    const text = `container "podrole-sidecar" alone needs 10m of requests.cpu, and ResourceQuota "team" has ${left} left for it`;
    assert.deepEqual(warnings, [{ code: "QUOTA_TIGHT", text }]);
  });
}

test("quotaWarnings() says nothing about a quota with room, or one that the pod exceeds by itself", () => {
  for (const used of ["100m", "950m"]) {
    const limits = { quotas: quotaWith({ "requests.cpu": "1" }, { "requests.cpu": used }) };
    assert.deepEqual(planned(podWith({ requests: { cpu: "100m" } }), limits).warnings, []);
  }
});

const HIGH = [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }];
const ACROSS = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ["other"] }] } };
const ANY_ACROSS = {
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: { namespaceSelector: {} } }],
  },
};

suite("matchesScopes(): a quota that demands a CPU limit counts", () => {
  const sized = { requests: { cpu: "100m", memory: "64Mi" } };
  const scopesFor = (name: string, operator: string, ...values: readonly string[]) => ({
    scopeSelector: { matchExpressions: [{ scopeName: name, operator, values }] },
  });
  const scopeCases: readonly (readonly [string, object, object, boolean])[] = [
    ["every pod without scopes", {}, {}, true],
    ["a pod of the class", { scopeSelector: { matchExpressions: HIGH } }, { priorityClassName: "high" }, true],
    ["no pod of another class", { scopeSelector: { matchExpressions: HIGH } }, { priorityClassName: "low" }, false],
    ["no pod without a class", { scopeSelector: { matchExpressions: HIGH } }, {}, false],
    ["a pod of a class that is not listed", scopesFor("PriorityClass", "NotIn", "low"), {}, true],
    ["no pod of a listed class", scopesFor("PriorityClass", "NotIn", "low"), { priorityClassName: "low" }, false],
    ["a pod with any class", scopesFor("PriorityClass", "Exists"), { priorityClassName: "low" }, true],
    ["no pod with a class", scopesFor("PriorityClass", "DoesNotExist"), { priorityClassName: "low" }, false],
    ["a pod that ends", { scopes: ["Terminating"] }, { activeDeadlineSeconds: 60 }, true],
    ["no pod that does not end", { scopes: ["Terminating"] }, {}, false],
    ["a pod that does not end", { scopes: ["NotTerminating"] }, {}, true],
    ["no pod that ends", { scopes: ["NotTerminating"] }, { activeDeadlineSeconds: 0 }, false],
    ["a pod with requests", { scopes: ["NotBestEffort"] }, {}, true],
    ["no pod with requests", { scopes: ["BestEffort"] }, {}, false],
    ["only pods that match all scopes", { scopes: ["NotBestEffort", "Terminating"] }, {}, false],
    ["a pod beside those of another namespace", { scopes: ["CrossNamespacePodAffinity"] }, { affinity: ACROSS }, true],
    ["a pod apart from others", { scopes: ["CrossNamespacePodAffinity"] }, { affinity: ANY_ACROSS }, true],
    ["no pod without affinity", { scopes: ["CrossNamespacePodAffinity"] }, {}, false],
    ["no pod by a scope of other objects", { scopes: ["VolumeAttributesClass"] }, {}, false],
  ];
  for (const [title, scopes, spec, isCounted] of scopeCases) {
    test(title, () => {
      const quotas = quotaWith({ "limits.cpu": "1" }, { "limits.cpu": "900m" }, scopes);
      const pod = podWith(sized);
      const made = planned({ ...pod, spec: { ...pod.spec, ...spec } }, { quotas });
      const [sidecar] = podIn(made).spec.initContainers ?? [];
      assert.equal(sidecar?.resources?.limits?.["cpu"], isCounted ? "500m" : undefined);
      assert.deepEqual(
        made.warnings.map(({ code }) => code),
        isCounted ? ["QUOTA_TIGHT"] : [],
      );
    });
  }
});

suite("sizePod() in a namespace whose quota counts only pods that are not BestEffort", () => {
  const quotas = quotaWith({ "requests.cpu": "1" }, {}, { scopes: ["NotBestEffort"] });

  test("leaves a BestEffort pod BestEffort, which the quota would refuse otherwise", () => {
    const made = planned(podWith(undefined), { quotas });
    const [sidecar] = podIn(made).spec.initContainers ?? [];
    assert.deepEqual([sidecar?.name, sidecar?.resources], ["podrole-sidecar", undefined]);
    assert.equal(planned(podIn(made), { quotas }).reason, "ALREADY_INJECTED");
  });

  test("takes the sizes of a sidecar that the command line injected", () => {
    const again = podIn(planned(podIn(planned(podWith(undefined), {})), { quotas }));
    assert.deepEqual(again.spec.initContainers?.[0]?.resources, {});
  });

  test("sets what annotations say, also in a BestEffort pod", () => {
    const made = planned(podWith(undefined), { quotas }, { "podrole.io/sidecar-cpu-request": "20m" });
    assert.equal(podIn(made).spec.initContainers?.[0]?.resources?.requests?.["cpu"], "20m");
  });
});

const amounts = (cpu: readonly string[], memory: readonly string[]) =>
  fc.record({ cpu: fc.constantFrom(...cpu), memory: fc.constantFrom(...memory) }, { requiredKeys: [] }) as fc.Arbitrary<
    Record<string, string>
  >;

const arbitraryRange: fc.Arbitrary<SizeRange> = fc
  .record({
    type: fc.constantFrom("Container" as const, "Pod" as const),
    min: amounts(["5m", "50m"], ["16Mi", "64Mi"]),
    max: amounts(["100m", "2"], ["64Mi", "512Mi", "4Gi"]),
    default: amounts(["200m"], ["128Mi"]),
    defaultRequest: fc.constant({}),
    maxLimitRequestRatio: amounts(["1", "4"], ["1", "2", "3.5"]),
  })
  .map((range) => {
    // Kubernetes fills the default of containers from the most, and accepts none above it.
    const preset = range.type === "Pod" ? {} : Object.assign({}, range.default, range.max);
    return Object.assign({ name: "sizes" }, range, { default: preset });
  });

/** Kubernetes accepts no request above its limit. */
const arbitrarySizes = fc
  .record(
    { limits: amounts(["50m", "85m", "1"], ["64Mi", "256Mi"]), requests: amounts(["50m", "85m"], ["64Mi"]) },
    { requiredKeys: [] },
  )
  .filter(({ limits = {}, requests = {} }) => !(limits["cpu"] === "50m" && requests["cpu"] === "85m"));

test("fitSizes() makes of every pod that LimitRanger admits one that it admits, or refuses it", () => {
  const seen = { fitted: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.array(arbitrarySizes, { minLength: 1, maxLength: 3 }),
      fc.array(arbitraryRange, { maxLength: 2 }),
      (sizes, ranges) => {
        // The API server adds the defaults before it calls the webhook, and once more afterwards.
        const pod = withRangeDefaults(podWith(...sizes), ranges);
        fc.pre(limitRangerProblems(pod, ranges).length === 0);
        const made = planned(pod, { ranges });
        if (made.decision === "refuse") {
          assert.equal(made.reason, "LIMITS_CONFLICT", made.message);
          seen.refused += 1;
          return;
        }
        assert.deepEqual(limitRangerProblems(podIn(made), ranges), []);
        assert.equal(planned(podIn(made), { ranges }).reason, "ALREADY_INJECTED");
        seen.fitted += 1;
      },
    ),
    { numRuns: 2_000 },
  );
  assert.ok(seen.fitted > 100 && seen.refused > 10, JSON.stringify(seen));
});
