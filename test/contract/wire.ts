// What crosses the wire between sidecar, webhook and server: services and messages from proto/, and the metadata of
// errors.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PodroleError } from "../../src/protocol/errors.ts";
import { toStatus } from "../../src/protocol/status.ts";
import { ROOT } from "../files.ts";
import { type Contract, type Entries, entriesOf } from "./entries.ts";

const PROTO = join(ROOT, "proto/podrole/v1/podrole.proto");

export function wireContract(): Contract {
  const { metadata } = toStatus(new PodroleError("STS_THROTTLED", "", { retryAfterMs: 1 }));
  return {
    grpc: protoEntries(readFileSync(PROTO, "utf8")),
    "grpc error metadata": entriesOf(
      Object.keys(metadata?.getMap() ?? {}),
      (key) => key,
      () => "metadata key",
    ),
  };
}

/** One entry per method and per message field, prefixed with its service or message. */
export function protoEntries(proto: string): Entries {
  const text = proto.replaceAll(/\/\/.*$/gm, "");
  const [, packageName = ""] = /package ([\w.]+);/.exec(text) ?? [];
  const entries: Record<string, string> = {};
  let block = "";
  for (const line of text.split("\n")) {
    block = /^(?:service|message) (\w+)/.exec(line)?.[1] ?? block;
    const [, method, request, response] = /rpc (\w+)\((\w+)\) returns \((\w+)\)/.exec(line) ?? [];
    if (method !== undefined) entries[`${packageName}.${block}/${method}`] = `${request} → ${response}`;
    const [, type, field, number] = /^\s+((?:repeated |optional )?\w+) (\w+) = (\d+);/.exec(line) ?? [];
    if (field !== undefined) entries[`${packageName}.${block}.${field}`] = `${number}: ${type}`;
  }
  return entries;
}
