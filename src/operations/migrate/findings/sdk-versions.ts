// Whether a pod's AWS SDK is new enough, as far as a manifest shows: known only for images that are a single tool with
// a version, and for variables that name a version. Everything else is "unknown", never a guess.

import { parseImage } from "../../../injection/image.ts";
import { allContainers, listOf } from "../../../injection/shape.ts";
import type { Container, Pod } from "../../../kubernetes/objects.ts";

/** A tool, and the first versions that read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (docs/sdk.md). */
export interface SdkTool {
  readonly name: string;
  /** Matches the image's name, which is everything before the tag. */
  readonly image?: RegExp;
  /** Variables that name its version. */
  readonly variables?: readonly string[];
  /** The first version of each major version; higher majors than the last one are new enough. */
  readonly since: readonly string[];
}

const SDK_TOOLS: readonly SdkTool[] = [
  {
    name: "AWS CLI",
    image: /(^|\/)(amazon\/aws-cli|aws-cli\/aws-cli)$/,
    variables: ["AWS_CLI_VERSION", "AWSCLI_VERSION"],
    since: ["1.30.0", "2.15.0"],
  },
  { name: "AWS for Fluent Bit", image: /(^|\/)(amazon\/)?aws-for-fluent-bit$/, since: ["2.32.5"] },
  { name: "boto3", variables: ["BOTO3_VERSION", "BOTOCORE_VERSION"], since: ["1.34.41"] },
];

/** Whether an SDK reads the token file; `since` is the first version that does. */
export type SdkAge =
  | { readonly age: "unknown" }
  | {
      readonly age: "new" | "old";
      readonly container: string;
      readonly tool: string;
      readonly version: string;
      readonly since: string;
    };

/** The first container with an old SDK, else the first with a known one; "unknown" if none is known. */
export function sdkAgeOf(pod: Pod): SdkAge {
  const known = allContainers(pod).flatMap(knownAges);
  return known.find(({ age }) => age === "old") ?? known[0] ?? { age: "unknown" };
}

function knownAges(container: Container): SdkAge[] {
  return SDK_TOOLS.flatMap((tool): SdkAge[] => {
    const version = versionByImage(container, tool) ?? versionByVariable(container, tool);
    if (version === undefined) return [];
    const since = sinceFor(version, tool.since);
    const age = isOlder(version, since) ? "old" : "new";
    return [{ age, container: container.name, tool: tool.name, version: version.join("."), since }];
  });
}

function versionByImage({ image = "" }: Container, tool: SdkTool): readonly number[] | undefined {
  const { repository, tag = "" } = parseImage(image);
  return tool.image?.test(repository) ? parseVersion(tag) : undefined;
}

function versionByVariable({ env }: Container, { variables = [] }: SdkTool): readonly number[] | undefined {
  const found = listOf(env).findLast(({ name }) => variables.includes(name));
  return found?.value === undefined ? undefined : parseVersion(found.value);
}

/** Reads texts such as "2.9.1" and "v2.9.1-debian"; undefined for "latest" and "2", which name no version. */
function parseVersion(text: string): readonly number[] | undefined {
  const [, major, minor, patch = "0"] = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])/.exec(text) ?? [];
  return major === undefined ? undefined : [major, minor, patch].map(Number);
}

function sinceFor([major]: readonly number[], since: readonly string[]): string {
  return since.find((version) => Number.parseInt(version, 10) >= (major ?? 0)) ?? since.at(-1) ?? "";
}

function isOlder(version: readonly number[], since: string): boolean {
  const first = since.split(".").map(Number);
  for (const [index, part] of version.entries()) {
    if (part !== (first[index] ?? 0)) return part < (first[index] ?? 0);
  }
  return false;
}
