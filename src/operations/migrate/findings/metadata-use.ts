// Signs that a pod requests more than credentials from the instance metadata service. podrole does not intercept
// 169.254.169.254 and disables it for SDKs only, so these are hints: podrole.io/metadata serves some of the paths
// instead.

import { allContainers, listOf } from "../../../injection/shape.ts";
import type { Container, Pod } from "../../../kubernetes/objects.ts";

/** Address or path in a container's command, arguments or variables. */
const METADATA_ADDRESS = /169\.254\.169\.254|fd00:ec2::254|\/latest\/(meta-data|dynamic|user-data|api\/token)/;
const METADATA_PATHS: readonly { readonly path: RegExp; readonly what: string }[] = [
  { path: /placement\/(region|availability-zone)/, what: "its region or zone" },
  { path: /instance-identity\/document/, what: "the identity document" },
  { path: /instance-id/, what: "the instance id" },
  { path: /user-data/, what: "user data" },
  { path: /iam\/security-credentials/, what: "credentials without an SDK" },
];

/** What a container requests from the instance metadata service. */
export interface MetadataUse {
  readonly container: string;
  /** Text such as "its region or zone" or "instance metadata". */
  readonly what: string;
}

/** The first sign; undefined if the manifest shows none. */
export function metadataUseOf(pod: Pod): MetadataUse | undefined {
  for (const container of allContainers(pod)) {
    const sign = argumentsAndValues(container).find((text) => METADATA_ADDRESS.test(text));
    if (sign === undefined) continue;
    const what = METADATA_PATHS.find(({ path }) => path.test(sign))?.what ?? "instance metadata";
    return { container: container.name, what };
  }
  return undefined;
}

/** The variable that points SDKs to another metadata service. */
export function metadataEndpointOf(pod: Pod): { readonly container: string; readonly variable: string } | undefined {
  const names = new Set(["AWS_EC2_METADATA_SERVICE_ENDPOINT", "EC2_METADATA_SERVICE_ENDPOINT"]);
  for (const { name, env } of allContainers(pod)) {
    const variable = listOf(env).find((each) => names.has(each.name) && each.value);
    if (variable) return { container: name, variable: variable.name };
  }
  return undefined;
}

function argumentsAndValues({ command, args, env }: Container): readonly string[] {
  const values = listOf(env)
    .filter(({ name }) => !name.endsWith("METADATA_SERVICE_ENDPOINT") && !/^no_proxy$/i.test(name))
    .map(({ value }) => value);
  const texts = [...listOf(command), ...listOf(args), ...values];
  return texts.filter((text): text is string => typeof text === "string");
}
