// Objects that the API server refuses with 422 after admission: metadata of every object, and the fields of pods that
// an injector could get wrong. It has fewer rules than the real API server: an object that is accepted here may still
// be refused there.

import { isDeepStrictEqual } from "node:util";
import type { Container, Pod, PodSpec, Volume } from "../../src/kubernetes/objects.ts";
import { isObject } from "../../src/runtime/json-object.ts";
import {
  causeUnless,
  findDuplicates,
  invalidValue,
  missingValue,
  notAllowed,
  unsupportedValue,
} from "./invalid-fields.ts";
import { checkLabelName, checkMetadata } from "./names.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import { checkPodCertificateRequest, checkPodCertificateStatus } from "./pod-certificate-requests.ts";
import type { ResourceType } from "./resources.ts";
import { badRequest, invalidError, type StatusCause } from "./status.ts";
import { checkContainer } from "./validate-container.ts";
import { checkWebhooks } from "./validate-webhooks.ts";

/** Throws BadRequest for JSON that is not an object of the resource's type. */
export function decodeObject({ plural, kind }: ResourceType, body: unknown): void {
  const lists = plural === "pods" ? ["spec.containers", "spec.initContainers", "spec.volumes"] : [];
  const objects = plural === "pods" ? ["metadata", "spec"] : ["metadata"];
  const odd =
    objects.find((path) => fieldAt(body, path) !== undefined && !isObject(fieldAt(body, path))) ??
    lists.find((path) => {
      const list = fieldAt(body, path);
      return list !== undefined && list !== null && !(Array.isArray(list) && list.every(isObject));
    });
  if (!isObject(body) || odd !== undefined) {
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal field ${odd ?? ""}`,
    );
  }
}

/** Throws Invalid with every problem of a new object. */
export function validateNew(resource: ResourceType, object: KubeObject): void {
  const causes = [...checkMetadata(resource, object), ...(VALIDATORS[resource.plural]?.(object) ?? [])];
  if (causes.length > 0) throw invalidError(resource, object.metadata.name ?? "", causes);
}

/** Throws Invalid if an update changes immutable fields, or if the new metadata is invalid. */
export function validateChange(resource: ResourceType, before: KubeObject, after: KubeObject): void {
  const causes = [
    ...checkMetadata(resource, after),
    ...(resource.plural === "pods" ? checkPodChange(before, after) : []),
    ...(resource.plural === "podcertificaterequests" && !isDeepStrictEqual(before["spec"], after["spec"])
      ? [invalidValue("spec", "", "field is immutable")]
      : []),
  ];
  if (causes.length > 0) throw invalidError(resource, after.metadata.name ?? "", causes);
}

/** Throws Invalid if a changed status is not valid. */
export function validateStatus(
  resource: ResourceType,
  before: KubeObject,
  after: KubeObject,
  context: Parameters<typeof checkPodCertificateStatus>[2],
): void {
  const causes = resource.plural === "podcertificaterequests" ? checkPodCertificateStatus(before, after, context) : [];
  if (causes.length > 0) throw invalidError(resource, after.metadata.name ?? "", causes);
}

const VALIDATORS: Readonly<Record<string, (object: KubeObject) => readonly StatusCause[]>> = {
  pods: (object) => checkPod((object as unknown as Pod).spec),
  events: checkEvent,
  mutatingwebhookconfigurations: checkWebhooks,
  podcertificaterequests: checkPodCertificateRequest,
};

function checkPod(spec: PodSpec | undefined): readonly StatusCause[] {
  const { containers = [], initContainers = [], volumes = [], restartPolicy = "" }: Partial<PodSpec> = spec ?? {};
  const names = new Set(volumes.map(({ name }) => name));
  const named = (list: readonly { readonly name: string }[], field: string) =>
    list.map(({ name }, index) => ({ field: `spec.${field}[${index}].name`, value: name }));
  const check = (list: readonly Container[], kind: "container" | "initContainer") =>
    list.flatMap((container, index) =>
      checkContainer(container, { field: `spec.${kind}s[${index}]`, kind, volumes: names }),
    );
  return [
    ...(containers.length === 0 ? [missingValue("spec.containers")] : []),
    ...(["Always", "OnFailure", "Never"].includes(restartPolicy)
      ? []
      : [unsupportedValue("spec.restartPolicy", restartPolicy, ["Always", "OnFailure", "Never"])]),
    ...volumes.flatMap((volume, index) => checkVolume(volume, `spec.volumes[${index}]`)),
    ...findDuplicates(named(volumes, "volumes")),
    ...findDuplicates([...named(containers, "containers"), ...named(initContainers, "initContainers")]),
    ...check(containers, "container"),
    ...check(initContainers, "initContainer"),
  ];
}

function checkVolume({ name, ...sources }: Volume, field: string): readonly StatusCause[] {
  const kinds = Object.keys(sources);
  const more = kinds.slice(1).map((kind) => notAllowed(`${field}.${kind}`, "may not specify more than 1 volume type"));
  const projected = fieldAt(sources, "projected.sources");
  const tokens = (Array.isArray(projected) ? projected : []).flatMap((source: unknown, index) => {
    const token = fieldAt(source, "serviceAccountToken");
    if (!isObject(token)) return [];
    // The API server's own message omits the index of the source.
    const path = causeUnless(Boolean(token["path"]), missingValue(`${field}.projected.path`));
    return path.concat(checkTokenLife(token, `${field}.projected.sources[${index}].serviceAccountToken`));
  });
  return [...checkLabelName(`${field}.name`, name), ...more, ...tokens];
}

function checkTokenLife({ expirationSeconds }: Record<string, unknown>, field: string): readonly StatusCause[] {
  return [
    ...(typeof expirationSeconds === "number" && expirationSeconds < 600
      ? [
          invalidValue(
            `${field}.expirationSeconds`,
            expirationSeconds,
            "may not specify a duration less than 10 minutes",
          ),
        ]
      : []),
  ];
}

const POD_UPDATE_FORBIDDEN =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function checkPodChange(before: KubeObject, after: KubeObject): readonly StatusCause[] {
  return isDeepStrictEqual(fixedPart(before), fixedPart(after)) ? [] : [notAllowed("spec", POD_UPDATE_FORBIDDEN)];
}

function fixedPart(pod: KubeObject): object {
  const { activeDeadlineSeconds: _a, tolerations: _b, ...spec } = (pod as unknown as Pod).spec;
  const withoutImage = ({ image: _image, ...container }: Container) => container;
  const { containers, initContainers = [] } = spec;
  return { ...spec, containers: containers.map(withoutImage), initContainers: initContainers.map(withoutImage) };
}

function checkEvent({ metadata, involvedObject }: KubeObject): readonly StatusCause[] {
  const namespace = fieldAt(involvedObject, "namespace");
  if (namespace === metadata.namespace) return [];
  return [invalidValue("involvedObject.namespace", namespace ?? "", "does not match event.namespace")];
}
