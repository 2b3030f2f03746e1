// The XML responses of STS. Secrets leave the emulator only here.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Examples)
import { formatSeconds } from "../../src/runtime/clock.ts";
import type { AssumedRole } from "./assume-role.ts";
import type { Caller } from "./caller.ts";
import type { StsError } from "./errors.ts";

const STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";
/** Namespace of errors that are found before the operation is known. */
const FAULT_NAMESPACE = "http://webservices.amazon.com/AWSFault/2005-15-09";

/** An element: its name, and its text or its children; undefined children are omitted. */
type Element = readonly [name: string, content: string | readonly (Element | undefined)[]];

/** Returns the response to GetCallerIdentity. */
export function callerIdentityXml({ arn, userId, account }: Caller, requestId: string): string {
  return resultXml("GetCallerIdentity", requestId, [
    ["Arn", arn],
    ["UserId", userId],
    ["Account", account],
  ]);
}

/** `operation`: "AssumeRole" or "AssumeRoleWithWebIdentity". */
export function assumedRoleXml(
  { session, sourceIdentity, packedPolicySize }: AssumedRole,
  requestId: string,
  operation = "AssumeRole",
): string {
  const { caller, secretAccessKey, sessionToken, expiresAt } = session;
  return resultXml(operation, requestId, [
    [
      "AssumedRoleUser",
      [
        ["AssumedRoleId", caller.userId],
        ["Arn", caller.arn],
      ],
    ],
    [
      "Credentials",
      [
        ["AccessKeyId", caller.accessKeyId],
        ["SecretAccessKey", secretAccessKey.reveal()],
        ["SessionToken", sessionToken.reveal()],
        ["Expiration", formatSeconds(expiresAt)],
      ],
    ],
    sourceIdentity === undefined ? undefined : ["SourceIdentity", sourceIdentity],
    packedPolicySize === undefined ? undefined : ["PackedPolicySize", String(packedPolicySize)],
  ]);
}

/** Returns the error response. */
export function errorXml({ type, code, message, isBeforeDispatch }: StsError, requestId: string): string {
  return rootXml("ErrorResponse", isBeforeDispatch ? FAULT_NAMESPACE : STS_NAMESPACE, [
    ["Error", [["Type", type], ["Code", code], message === undefined ? undefined : ["Message", message]]],
    ["RequestId", requestId],
  ]);
}

function resultXml(operation: string, requestId: string, result: readonly (Element | undefined)[]): string {
  return rootXml(`${operation}Response`, STS_NAMESPACE, [
    [`${operation}Result`, result],
    ["ResponseMetadata", [["RequestId", requestId]]],
  ]);
}

function rootXml(name: string, namespace: string, children: readonly Element[]): string {
  const lines = children.flatMap((child) => elementLines(child, "  "));
  return `<${name} xmlns="${namespace}">\n${lines.join("\n")}\n</${name}>\n`;
}

function elementLines([name, content]: Element, indent: string): string[] {
  if (typeof content === "string") return [`${indent}<${name}>${escapeXml(content)}</${name}>`];
  const children = content.filter((child) => child !== undefined);
  return [
    `${indent}<${name}>`,
    ...children.flatMap((child) => elementLines(child, `${indent}  `)),
    `${indent}</${name}>`,
  ];
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
