// What injection adds to a pod, from the results of plan() for sample pods: every mode, with and without metadata
// paths.

import { MOUNT_PATHS } from "../../src/injection/names.ts";
import { type PlanSettings, plan } from "../../src/injection/plan.ts";
import { choosePorts } from "../../src/injection/ports.ts";
import { allContainers, listOf } from "../../src/injection/shape.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { podIn } from "../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { inShop } from "../injection/pods.ts";
import { type Contract, type Entries, entriesOf } from "./entries.ts";

const PROXY = "http://proxy:3128";
const APP: Container = { name: "app", image: "app:1", env: [{ name: "HTTP_PROXY", value: PROXY }] };

function podWith(annotations: Readonly<Record<string, string>>, containers: readonly Container[] = [APP]): Pod {
  const metadata = { name: "orders", annotations: { "iam.amazonaws.com/role": "shop-a", ...annotations } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [...containers] } };
}

const PODS: readonly Pod[] = [
  podWith({}),
  podWith({ "podrole.io/mode": "classic" }),
  podWith({ "podrole.io/metadata": "enabled" }),
  podWith({ "podrole.io/metadata": "enabled-v1" }),
  podWith({}, [{ ...APP, env: [{ name: "http_proxy", value: PROXY }] }]),
  podWith({ "podrole.io/containers": "app" }, [APP, { name: "helper", image: "helper:1" }]),
];

const SETTINGS: readonly PlanSettings[] = [PLAN_SETTINGS, { ...PLAN_SETTINGS, region: undefined }];

export function injectionContract(): Contract {
  const pairs = SETTINGS.flatMap((settings) =>
    PODS.map((before) => ({ before, after: podIn(plan(inShop(before), settings)) })),
  );
  const added = pairs.flatMap(({ before, after }) => {
    const known = new Set(allContainers(before).map(({ name }) => name));
    return allContainers(after).filter(({ name }) => !known.has(name));
  });
  const users = pairs.flatMap(({ after }) => allContainers(after)).filter(({ name }) => /^(app|helper)$/.test(name));
  const ports = choosePorts(podWith({}));
  return {
    "injected containers": entriesOf(
      added,
      ({ name }) => name,
      ({ args }) => `args ${listOf(args as readonly string[] | undefined).join(" ")}`,
    ),
    "injected volumes": Object.assign({}, ...pairs.map(({ after }) => volumeEntries(after))) as Entries,
    "injected mounts": mountEntries([...added, ...users]),
    "variables of podrole's containers": entriesOf(
      added.flatMap(({ env }) => listOf(env)),
      ({ name }) => name,
      () => "variable",
    ),
    "variables of the user's containers": variableEntries(users),
    "injected paths": entriesOf(
      Object.entries(MOUNT_PATHS),
      ([key]) => key,
      ([, path]) => path,
    ),
    "sidecar ports": { credentials: String(ports.credentials), health: String(ports.health) },
    "labels and annotations that injection writes": Object.assign(
      {},
      ...pairs.map(labelAndAnnotationEntries),
    ) as Entries,
  };
}

function volumeEntries({ spec }: Pod): Entries {
  return entriesOf(
    listOf(spec.volumes),
    ({ name }) => name,
    (volume) => (volume["projected"] === undefined ? "emptyDir" : "projected"),
  );
}

function mountEntries(containers: readonly Container[]): Entries {
  const mounts = containers.flatMap(({ name, volumeMounts }) =>
    listOf(volumeMounts).map((mount) => ({ container: name, mount })),
  );
  return entriesOf(
    mounts,
    ({ container, mount }) => `${container} ${mount.mountPath}`,
    ({ mount: { name, readOnly, subPath } }) =>
      [name, ...(readOnly === true ? ["read only"] : []), ...(subPath === undefined ? [] : ["own directory"])].join(
        ", ",
      ),
  );
}

/** Values that depend on the settings are replaced by their meaning. */
function variableEntries(containers: readonly Container[]): Entries {
  const variables = containers.flatMap(({ env }) => listOf(env)).filter(({ value }) => value !== PROXY);
  return entriesOf(
    variables,
    ({ name }) => name,
    ({ value = "" }) => (value === PLAN_SETTINGS.region ? "the region" : value),
  );
}

function labelAndAnnotationEntries({ before, after }: { readonly before: Pod; readonly after: Pod }): Entries {
  const { labels = {}, annotations = {} } = after.metadata;
  const { labels: ownLabels = {}, annotations: own = {} } = before.metadata;
  return {
    ...entriesOf(
      Object.entries(labels).filter(([name]) => ownLabels[name] === undefined),
      ([name]) => name,
      ([, value]) => `label ${value}`,
    ),
    ...entriesOf(
      Object.keys(annotations).filter((name) => own[name] === undefined),
      (name) => name,
      () => "annotation",
    ),
  };
}
