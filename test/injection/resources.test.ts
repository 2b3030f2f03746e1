// Requests and limits of podrole's containers, by those of the pod's own containers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PodroleResources, resourcesFor } from "../../src/injection/resources.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

const LIMITED = { limits: { cpu: "1", memory: "1Gi" } };
const UNLIMITED = { limits: { memory: "1Gi" } };

interface Case {
  readonly title: string;
  readonly own: readonly (Container["resources"] | undefined)[];
  /** CPU of the sidecar. */
  readonly request: string;
  readonly limit: string | undefined;
}

const cases: readonly Case[] = [
  { title: "no container has a CPU limit", own: [UNLIMITED, undefined], request: "10m", limit: undefined },
  { title: "one of two containers has a CPU limit", own: [LIMITED, UNLIMITED], request: "10m", limit: undefined },
  {
    title: "every container has a CPU limit, as a quota on limits.cpu demands",
    own: [{ ...LIMITED, requests: { cpu: "100m" } }, { limits: { cpu: "2" } }],
    request: "10m",
    limit: "500m",
  },
  { title: "the pod is Guaranteed", own: [LIMITED, LIMITED], request: "100m", limit: "100m" },
];

function podOf(own: Case["own"]): Pod {
  const [init, ...containers] = own.map((resources, index) => ({
    name: `own-${index}`,
    ...(resources ? { resources } : {}),
  }));
  const podrole = { name: "podrole-sidecar", resources: {} };
  return { metadata: {}, spec: { initContainers: [podrole, ...(init ? [init] : [])], containers } };
}

for (const { title, own, request, limit } of cases) {
  test(`resourcesFor() requests ${request} and limits to ${limit ?? "nothing"} when ${title}`, () => {
    const { sidecar } = resourcesFor(podOf(own), PLAN_SETTINGS.resources);
    assert.equal(sidecar?.requests?.["cpu"], request);
    assert.equal(sidecar?.limits?.["cpu"], limit);
    assert.equal(sidecar?.limits?.["memory"], "96Mi", "the memory limit is always set");
  });
}

/** `spec.resources`, and what podrole-sidecar gets beside containers with limits of CPU and memory. */
const podLevelCases: readonly (readonly [string, unknown, PodroleResources["sidecar"]])[] = [
  ["is empty: the pod is Guaranteed by its containers", {}, exactly("100m", "96Mi")],
  ["is null", null, exactly("100m", "96Mi")],
  ["has empty lists", { requests: {}, limits: {} }, exactly("100m", "96Mi")],
  ["has no resource of the pod level", { limits: { "example.com/gpu": "1" } }, exactly("100m", "96Mi")],
  [
    "sets CPU alone: memory is the containers' own",
    { requests: { cpu: "2" } },
    { requests: { memory: "32Mi" }, limits: { memory: "96Mi" } },
  ],
  ["sets both", { limits: { cpu: "2", memory: "2Gi" } }, undefined],
  [
    "sets huge pages alone",
    { limits: { "hugepages-2Mi": "2Mi" } },
    { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "500m", memory: "96Mi" } },
  ],
];

function exactly(cpu: string, memory: string): PodroleResources["sidecar"] {
  return { requests: { cpu, memory }, limits: { cpu, memory } };
}

for (const [title, resources, expected] of podLevelCases) {
  test(`resourcesFor() follows Kubernetes when spec.resources ${title}`, () => {
    const { metadata, spec } = podOf([LIMITED, LIMITED]);
    const { sidecar } = resourcesFor({ metadata, spec: { ...spec, resources } }, PLAN_SETTINGS.resources);
    assert.deepEqual(sidecar, expected);
  });
}
