// One request to the STS emulator from its fields to its response: operation → fault → caller → AssumeRole,
// AssumeRoleWithWebIdentity or GetCallerIdentity. It opens no socket and writes no secret into the record of the call.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html)

import { type AssumeRoleContext, assumeRole } from "./assume-role.ts";
import { readAssumeRole } from "./assume-role-input.ts";
import { type AuthenticationContext, authenticate } from "./authenticate.ts";
import type { Caller } from "./caller.ts";
import { recordOf, type StsCall } from "./calls.ts";
import {
  accessDenied,
  expiredToken,
  invalidAction,
  isStsError,
  type StsError,
  serverFailure,
  throttledError,
} from "./errors.ts";
import type { Fault } from "./faults.ts";
import type { QueryForm } from "./query.ts";
import { assumedRoleXml, callerIdentityXml, errorXml } from "./response-xml.ts";
import type { SignedRequest } from "./signature.ts";
import { assumeRoleWithWebIdentity, type WebIdentityContext } from "./web-identity.ts";

/** What every operation of STS reads. */
export interface StsRequestContext extends AuthenticationContext, AssumeRoleContext, WebIdentityContext {
  readonly requestId: string;
  readonly fault: Fault | undefined;
}

/** A response and the record of its call. */
export interface StsResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Absent for requests without an action. */
  readonly record?: StsCall;
}

interface StsResult {
  readonly xml: string;
  readonly accessKeyId?: string;
}

const STS_API_VERSION = "2011-06-15";
/** AWS redirects browsers that open the endpoint to this page. */
const FRONT_PAGE = "https://aws.amazon.com/iam";

/** Handles one request. */
export function handleStsRequest(request: SignedRequest, form: QueryForm, context: StsRequestContext): StsResponse {
  const action = form.get("Action");
  if (action === undefined) {
    const location = request.query === "" ? FRONT_PAGE : `${FRONT_PAGE}?${request.query}`;
    return { status: 302, headers: { location }, body: "" };
  }
  const caller = authenticateCall(action, request, form, context);
  const outcome =
    caller === undefined
      ? exchangeToken(form, context)
      : isStsError(caller)
        ? caller
        : performOperation(action, form, caller, context);
  const [status, code, body] = isStsError(outcome)
    ? [outcome.status, outcome.code, errorXml(outcome, context.requestId)]
    : [200, "ok", outcome.xml];
  const known = caller === undefined || isStsError(caller) ? undefined : caller;
  const record = recordOf(action, form, {
    at: context.now,
    outcome: code,
    callerArn: known?.arn,
    callerAccessKeyId: known?.accessKeyId,
    accessKeyId: isStsError(outcome) ? undefined : outcome.accessKeyId,
  });
  return { status, headers: { "content-type": "text/xml" }, body, record };
}

/** Its token is the proof, so there is no caller. */
const UNSIGNED_OPERATION = "AssumeRoleWithWebIdentity";
const OPERATIONS: ReadonlySet<string> = new Set(["AssumeRole", "GetCallerIdentity", UNSIGNED_OPERATION]);

/** The operation is looked up before authentication, as at AWS. */
function authenticateCall(
  action: string,
  request: SignedRequest,
  form: QueryForm,
  context: StsRequestContext,
): Caller | StsError | undefined {
  const version = form.get("Version");
  if (!OPERATIONS.has(action) || version !== STS_API_VERSION) return invalidAction(action, version);
  if (context.fault?.kind === "throttle") return throttledError();
  if (context.fault?.kind === "expired") return expiredToken();
  if (context.fault?.kind === "error") return serverFailure(context.fault.status);
  return action === UNSIGNED_OPERATION ? undefined : authenticate(request, context);
}

function exchangeToken(form: QueryForm, context: StsRequestContext): StsResult | StsError {
  const assumed = assumeRoleWithWebIdentity(form, context);
  if (isStsError(assumed)) return assumed;
  return {
    xml: assumedRoleXml(assumed, context.requestId, UNSIGNED_OPERATION),
    accessKeyId: assumed.session.caller.accessKeyId,
  };
}

function performOperation(
  action: string,
  form: QueryForm,
  caller: Caller,
  context: StsRequestContext,
): StsResult | StsError {
  // GetCallerIdentity requires no IAM permission.
  if (action === "GetCallerIdentity") return { xml: callerIdentityXml(caller, context.requestId) };
  const fields = readAssumeRole(form);
  if (isStsError(fields)) return fields;
  if (context.fault?.kind === "deny") return accessDenied(caller.arn, "sts:AssumeRole", fields.roleArn);
  const assumed = assumeRole(fields, caller, context);
  if (isStsError(assumed)) return assumed;
  return { xml: assumedRoleXml(assumed, context.requestId), accessKeyId: assumed.session.caller.accessKeyId };
}
