// Whether a pod's AWS SDK is new enough, as far as a manifest can tell, which is seldom: only images that are one tool
// of a known version, and variables that name a version. Everything else is "unknown", never a guess.
import type { Container, Pod } from "../../kubernetes/objects.ts";
import { allContainers, listOf } from "../../injection/shape.ts";

/** From these versions on an SDK reads AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (docs/sdk.md). */
export interface Tool {
  readonly name: string;
  /** Of images: everything before the tag. */
  readonly image?: RegExp;
  /** Variables that name its version. */
  readonly variables?: readonly string[];
  /** The lowest version of each major version; majors above the last one are new enough. */
  readonly since: readonly string[];
}

const TOOLS: readonly Tool[] = [
  {
    name: "AWS CLI",
    image: /(^|\/)(amazon\/aws-cli|aws-cli\/aws-cli)$/,
    variables: ["AWS_CLI_VERSION", "AWSCLI_VERSION"],
    since: ["1.30.0", "2.15.0"],
  },
  { name: "AWS for Fluent Bit", image: /(^|\/)(amazon\/)?aws-for-fluent-bit$/, since: ["2.32.5"] },
  { name: "boto3", variables: ["BOTO3_VERSION", "BOTOCORE_VERSION"], since: ["1.34.41"] },
];

export type SdkAge =
  | { readonly age: "unknown" }
  | {
      readonly age: "new" | "old";
      readonly container: string;
      readonly tool: string;
      readonly version: string;
      readonly since: string;
    };

/** Of the pod's containers the oldest that can be told; "unknown" when none can. */
export function sdkAgeOf(pod: Pod): SdkAge {
  const told = allContainers(pod).flatMap(tellAge);
  return told.find(({ age }) => age === "old") ?? told[0] ?? { age: "unknown" };
}

function tellAge(container: Container): SdkAge[] {
  return TOOLS.flatMap((tool): SdkAge[] => {
    const version = versionByImage(container, tool) ?? versionByVariable(container, tool);
    if (version === undefined) return [];
    const since = sinceFor(version, tool.since);
    const age = isOlder(version, since) ? "old" : "new";
    return [{ age, container: container.name, tool: tool.name, version: version.join("."), since }];
  });
}

function versionByImage({ image = "" }: Container, tool: Tool): readonly number[] | undefined {
  const [, repository = "", tag = ""] = /^(.*?)(?::([^:/@]+))?(?:@.*)?$/.exec(image) ?? [];
  return tool.image?.test(repository) ? parseVersion(tag) : undefined;
}

function versionByVariable({ env }: Container, { variables = [] }: Tool): readonly number[] | undefined {
  const found = listOf(env).findLast(({ name }) => variables.includes(name));
  return found?.value === undefined ? undefined : parseVersion(found.value);
}

/** "2.9.1", "v2.9.1-debian"; "latest" and "2" say nothing. */
function parseVersion(text: string): readonly number[] | undefined {
  const [, major, minor, patch = "0"] = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])/.exec(text) ?? [];
  return major === undefined ? undefined : [major, minor, patch].map(Number);
}

function sinceFor([major]: readonly number[], since: readonly string[]): string {
  return since.find((version) => Number.parseInt(version, 10) >= (major ?? 0)) ?? since.at(-1) ?? "";
}

function isOlder(version: readonly number[], since: string): boolean {
  const wanted = since.split(".").map(Number);
  for (const [index, part] of version.entries()) {
    if (part !== (wanted[index] ?? 0)) return part < (wanted[index] ?? 0);
  }
  return false;
}
