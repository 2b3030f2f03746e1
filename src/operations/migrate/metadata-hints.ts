// Signs that a pod asks the instance metadata service for more than credentials. podrole leaves 169.254.169.254 alone
// and turns it off for SDKs only, so what is found here is a hint: podrole.io/metadata serves these paths instead.
import type { Container, Pod } from "../../kubernetes/objects.ts";
import { allContainers, listOf } from "../../injection/shape.ts";

/** Address or path in what the container runs or is told. */
const ADDRESS = /169\.254\.169\.254|fd00:ec2::254|\/latest\/(meta-data|dynamic|user-data|api\/token)/;
const PATHS: readonly { readonly path: RegExp; readonly what: string }[] = [
  { path: /placement\/(region|availability-zone)/, what: "its region or zone" },
  { path: /instance-identity\/document/, what: "the identity document" },
  { path: /instance-id/, what: "the instance id" },
  { path: /user-data/, what: "user data" },
  { path: /iam\/security-credentials/, what: "credentials by hand" },
];

export interface MetadataUse {
  readonly container: string;
  /** For people: "its region or zone", "instance metadata". */
  readonly what: string;
}

/** The first sign; undefined: none that a manifest shows. */
export function metadataUseOf(pod: Pod): MetadataUse | undefined {
  for (const container of allContainers(pod)) {
    const sign = wordsOf(container).find((word) => ADDRESS.test(word));
    if (sign === undefined) continue;
    const what = PATHS.find(({ path }) => path.test(sign))?.what ?? "instance metadata";
    return { container: container.name, what };
  }
  return undefined;
}

/** A variable that points SDKs at a metadata service of their own. */
export function metadataEndpointOf(pod: Pod): { readonly container: string; readonly variable: string } | undefined {
  const names = new Set(["AWS_EC2_METADATA_SERVICE_ENDPOINT", "EC2_METADATA_SERVICE_ENDPOINT"]);
  for (const { name, env } of allContainers(pod)) {
    const variable = listOf(env).find((each) => names.has(each.name) && each.value);
    if (variable) return { container: name, variable: variable.name };
  }
  return undefined;
}

function wordsOf({ command, args, env }: Container): readonly string[] {
  const values = listOf(env)
    .filter(({ name }) => !name.endsWith("METADATA_SERVICE_ENDPOINT") && !/^no_proxy$/i.test(name))
    .map(({ value }) => value);
  const probes = [...listOf(command), ...listOf(args), ...values];
  return probes.filter((word): word is string => typeof word === "string");
}
