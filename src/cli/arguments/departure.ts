// Arguments of podrole migrate irsa and podrole migrate pod-identity as typed options.
import type { Destination } from "../../operations/migrate/departure/destination.ts";
import { oneOf, type Parser } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import { type Arguments, createFlagReader, type FlagReader } from "./flags.ts";
import { DEPARTURE_FORMATS, type InputArguments, readInputArguments, WRITTEN_BASE_ARN } from "./migrate.ts";

/** Typed options of podrole migrate irsa and podrole migrate pod-identity. */
export interface DepartureArguments {
  readonly destination: Destination;
  readonly input: InputArguments;
  readonly roleBaseArn: string | undefined;
  readonly output: "text" | "json" | "yaml";
}

const CLUSTER_NAME = patternParser(
  /^[0-9A-Za-z][\w-]{0,99}$/,
  "the EKS cluster's name: 1 to 100 characters of A-Z a-z 0-9 - _",
);
const issuerParser = patternParser(
  /^(?:https:\/\/)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d{1,5})?(?:\/[\w.~-]+)*\/?$/,
  'the issuer\'s host and path such as "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"',
);
const accountIdParser = patternParser(/^\d{12}$/, "12 digits");
const regionParser = patternParser(/^[a-z]{2,}(?:-[a-z]+)+-\d$/, 'a region such as "eu-central-1"');

function patternParser(pattern: RegExp, expects: string): Parser<string> {
  return { expects, parse: (text) => (pattern.test(text) ? text : undefined) };
}

/** The flags as typed options, or every problem. */
export function readDeparture(flags: Flags, topic: Destination["to"]): Arguments<DepartureArguments> {
  const reader = createFlagReader(flags);
  return reader.finish({
    destination: topic === "irsa" ? readIrsa(reader, flags) : readPodIdentity(reader, flags),
    input: readInputArguments(flags),
    roleBaseArn: reader.read("roleBaseArn", WRITTEN_BASE_ARN),
    output: reader.read("output", oneOf(DEPARTURE_FORMATS)) ?? "text",
  });
}

function readIrsa(reader: FlagReader, flags: Flags): Destination {
  const issuer = readRequired(reader, flags, "oidcProvider", "--oidc-provider", issuerParser);
  return {
    to: "irsa",
    issuer: issuer.replace(/^https:\/\//, "").replace(/\/$/, ""),
    account: reader.read("account", accountIdParser),
  };
}

function readPodIdentity(reader: FlagReader, flags: Flags): Destination {
  return {
    to: "pod-identity",
    clusterName: readRequired(reader, flags, "clusterName", "--cluster-name", CLUSTER_NAME),
    account: readRequired(reader, flags, "account", "--account", accountIdParser),
    region: reader.read("region", regionParser),
  };
}

/** Empty if the flag is missing or cannot be used, which is then a problem. */
function readRequired(reader: FlagReader, flags: Flags, key: string, name: string, parser: Parser<string>): string {
  if (flags[key] === undefined) reader.refuse(`${name} is required: ${parser.expects}`);
  return reader.read(key, parser) ?? "";
}
