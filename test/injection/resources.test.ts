// Requests and limits of podrole's containers, by those of the pod's own containers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resourcesFor } from "../../src/injection/resources.ts";
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
