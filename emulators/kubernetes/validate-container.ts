// Those rules of the API server for a container (pkg/apis/core/validation) that an injected pod could violate.
import type { Container, EnvVar, ResourceRequirements, VolumeMount } from "../../src/kubernetes/objects.ts";
import { parseQuantity } from "../../src/kubernetes/quantity.ts";
import {
  causeUnless,
  findDuplicates,
  invalidValue,
  missingValue,
  notAllowed,
  notFoundValue,
  unsupportedValue,
} from "./invalid-fields.ts";
import { checkLabelName } from "./names.ts";
import type { StatusCause } from "./status.ts";

/** Where a container is in its pod. */
export interface ContainerPlace {
  /** For example "spec.initContainers[0]". */
  readonly field: string;
  readonly kind: "container" | "initContainer";
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
}

/** Returns every violation of the rules. */
export function checkContainer(container: Container, place: ContainerPlace): readonly StatusCause[] {
  const { field } = place;
  const { name, image, env = [], volumeMounts = [], resources = {} } = container;
  return [
    ...checkLabelName(`${field}.name`, name),
    ...(image ? [] : [missingValue(`${field}.image`)]),
    ...checkRestartPolicy(container, place),
    ...checkPorts(container, field),
    ...env.flatMap((variable, index) => checkVariable(variable, `${field}.env[${index}]`)),
    ...checkMounts(volumeMounts, place),
    ...checkResources(resources, `${field}.resources`),
    ...checkSecurity(container, field),
  ];
}

const APP_ONLY_FIELDS = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const;

const RESTART_POLICIES = ["Always", "Never", "OnFailure"] as const;

/**
 * Init containers run to completion, unless they are native sidecars. (Since Kubernetes 1.35 ordinary containers can
 * have a restartPolicy too.)
 */
function checkRestartPolicy(container: Container, { field, kind }: ContainerPlace): readonly StatusCause[] {
  const { restartPolicy } = container;
  const isKnown = restartPolicy === undefined || (RESTART_POLICIES as readonly string[]).includes(restartPolicy);
  const unknown = causeUnless(isKnown, unsupportedValue(`${field}.restartPolicy`, restartPolicy, RESTART_POLICIES));
  if (kind === "container" || restartPolicy === "Always") return unknown;
  const probes = APP_ONLY_FIELDS.filter((probe) => container[probe] !== undefined).map((probe) =>
    notAllowed(`${field}.${probe}`, "may not be set for init containers without restartPolicy=Always"),
  );
  return [...unknown, ...probes];
}

function checkPorts({ ports = [] }: Container, field: string): readonly StatusCause[] {
  const names = ports.map(({ name }, index) => ({ field: `${field}.ports[${index}].name`, value: name as string }));
  const outside = ports.flatMap(({ containerPort }, index) =>
    Number.isInteger(containerPort) && containerPort > 0 && containerPort < 65536
      ? []
      : [
          invalidValue(
            `${field}.ports[${index}].containerPort`,
            containerPort,
            "must be between 1 and 65535, inclusive",
          ),
        ],
  );
  const odd = names.flatMap(({ field, value }) =>
    value === undefined || (/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(value) && value.length <= 15)
      ? []
      : [invalidValue(field, value, "must be no more than 15 characters, lower case alphanumeric or '-'")],
  );
  return [...outside, ...odd, ...findDuplicates(names)];
}

function checkVariable({ name, value, valueFrom }: EnvVar, field: string): readonly StatusCause[] {
  if (!name) return [missingValue(`${field}.name`)];
  // Since 1.34, any printable name without "=" is accepted.
  const named = /^[^=\p{Cc}]+$/u.test(name)
    ? []
    : [
        invalidValue(
          `${field}.name`,
          name,
          "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ),
      ];
  const both =
    value && valueFrom
      ? [invalidValue(`${field}.valueFrom`, "", "may not be specified when `value` is not empty")]
      : [];
  return [...named, ...both];
}

function checkMounts(mounts: readonly VolumeMount[], { field, volumes }: ContainerPlace): readonly StatusCause[] {
  const at = (index: number, part: string) => `${field}.volumeMounts[${index}].${part}`;
  const each = mounts.flatMap(({ name, mountPath, subPath = "" }, index) => [
    ...(!name ? [missingValue(at(index, "name"))] : volumes.has(name) ? [] : [notFoundValue(at(index, "name"), name)]),
    ...(mountPath ? [] : [missingValue(at(index, "mountPath"))]),
    ...(subPath.startsWith("/")
      ? [invalidValue(`${field}.volumeMounts.subPath`, subPath, "must be a relative path")]
      : []),
    ...(subPath.split("/").includes("..")
      ? [invalidValue(`${field}.volumeMounts.subPath`, subPath, "must not contain '..'")]
      : []),
  ]);
  const seen = new Set<string>();
  const repeated = mounts.flatMap(({ mountPath }, index) => {
    const isNew = !seen.has(mountPath);
    seen.add(mountPath);
    return isNew ? [] : [invalidValue(at(index, "mountPath"), mountPath, "must be unique")];
  });
  return [...each, ...repeated];
}

function checkResources({ requests = {}, limits = {} }: ResourceRequirements, field: string): readonly StatusCause[] {
  const all = [
    ...Object.entries(limits).map(([name, amount]) => ({ at: `${field}.limits[${name}]`, amount })),
    ...Object.entries(requests).map(([name, amount]) => ({ at: `${field}.requests[${name}]`, amount })),
  ];
  const unreadable = all.flatMap(({ at, amount }) =>
    (parseQuantity(amount) ?? -1n) >= 0n ? [] : [invalidValue(at, amount, "must be greater than or equal to 0")],
  );
  if (unreadable.length > 0) return unreadable;
  return Object.entries(requests).flatMap(([name, amount]) => {
    const limit = limits[name];
    if (limit === undefined || (parseQuantity(amount) ?? 0n) <= (parseQuantity(limit) ?? 0n)) return [];
    return [invalidValue(`${field}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`)];
  });
}

function checkSecurity(container: Container, field: string): readonly StatusCause[] {
  const { privileged, allowPrivilegeEscalation, runAsUser } = (container["securityContext"] ?? {}) as {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly runAsUser?: number;
  };
  const contradiction =
    privileged === true && allowPrivilegeEscalation === false
      ? [
          invalidValue(
            `${field}.securityContext`,
            container["securityContext"],
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
          ),
        ]
      : [];
  const user =
    runAsUser !== undefined && (!Number.isInteger(runAsUser) || runAsUser < 0 || runAsUser > 2_147_483_647)
      ? [invalidValue(`${field}.securityContext.runAsUser`, runAsUser, "must be between 0 and 2147483647, inclusive")]
      : [];
  return [...contradiction, ...user];
}
