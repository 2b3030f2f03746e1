// The one file that talks to AWS. It holds the server's own AWS credentials (through the SDK's default chain) and turns
// one AssumeRole input into session credentials. It decides nothing: what arrives here has passed the policy.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type Credentials,
  GetCallerIdentityCommand,
  STSClient,
  type STSClientConfig,
  STSServiceException,
} from "@aws-sdk/client-sts";
import type { AssumeRoleInput } from "../policy/decide.ts";
import { parseRoleArn } from "../policy/role.ts";
import { ERRORS, PodroleError } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { Secret } from "../runtime/secret.ts";

/** What STS issued for one AssumeRole input. Times are Unix milliseconds. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Throws PodroleError with an STS_* code. The cache has the same shape, so wiring decides whether there is one. */
export type AssumeRole = (input: AssumeRoleInput) => Promise<SessionCredentials>;

export interface Sts {
  readonly assumeRole: AssumeRole;
  /** The principal that assumes the roles, after the first hop if there is one. */
  callerArn(): Promise<string>;
  close(): void;
}

export interface StsOptions {
  /** Absent: the SDK's own search (environment, shared configuration, instance metadata). */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly fips: boolean;
  /** Role to assume first; its session then assumes the pods' roles. */
  readonly hopRoleArn: string | undefined;
  /** Each call ends after this, whoever waits for it. */
  readonly timeoutMs: number;
}

export function createSts({ clock }: { readonly clock: Clock }, options: StsOptions): Sts {
  const base = clientConfig(options);
  const own = new STSClient(base);
  /** One client for each first hop; there are as many as the settings name. */
  const hops = new Map<string, STSClient>();

  function clientVia(hopRoleArn: string | undefined): STSClient {
    if (hopRoleArn === undefined) return own;
    const held = hops.get(hopRoleArn);
    const client = held ?? new STSClient({ ...base, credentials: hopProvider(own, hopRoleArn, options) });
    hops.set(hopRoleArn, client);
    return client;
  }

  async function send<Output>(action: string, call: (signal: AbortSignal) => Promise<Output>): Promise<Output> {
    try {
      return await call(AbortSignal.timeout(options.timeoutMs));
    } catch (error) {
      throw fromAwsError(error, action);
    }
  }

  return {
    async assumeRole(input) {
      const action = `assume role ${input.roleArn}`;
      const issuedAt = clock.now();
      const { Credentials: issued } = await send(action, (abortSignal) =>
        clientVia(input.via ?? options.hopRoleArn).send(new AssumeRoleCommand(toCommandInput(input)), { abortSignal }),
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = complete(issued, action);
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: new Secret(SecretAccessKey),
        sessionToken: new Secret(SessionToken),
        issuedAt,
        expiresAt: Expiration.getTime(),
      };
    },
    async callerArn() {
      const action = "ask for the server's own identity";
      const { Arn } = await send(action, (abortSignal) =>
        clientVia(options.hopRoleArn).send(new GetCallerIdentityCommand({}), { abortSignal }),
      );
      return Arn ?? "";
    },
    close() {
      for (const client of [own, ...hops.values()]) client.destroy();
    },
  };
}

/**
 * The base ARN of the account that the server lives in, from GetCallerIdentity: "arn:aws:iam::123456789012:role/".
 * Works wherever the server has credentials, while the instance profile (kiam's way) exists on EC2 only.
 */
export function baseArnOf(callerArn: string): string | undefined {
  const [, partition, service, , account] = callerArn.split(":");
  if (partition === undefined || account === undefined || !/^\d{12}$/.test(account)) return undefined;
  return service === "sts" || service === "iam" ? `arn:${partition}:iam::${account}:role/` : undefined;
}

function clientConfig({ region, endpoint, fips }: StsOptions): STSClientConfig {
  return {
    // One retry of the SDK's own; the cache and the sidecars decide about all further ones.
    maxAttempts: 2,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(fips && { useFipsEndpoint: true }),
  };
}

/** The SDK asks again shortly before `expiration`, so the hop renews itself. */
function hopProvider(own: STSClient, hopRoleArn: string, { timeoutMs }: StsOptions) {
  return async () => {
    const action = `assume the server's own role ${hopRoleArn}`;
    try {
      const { Credentials: issued } = await own.send(
        new AssumeRoleCommand({ RoleArn: hopRoleArn, RoleSessionName: "podrole-server", DurationSeconds: 3600 }),
        { abortSignal: AbortSignal.timeout(timeoutMs) },
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = complete(issued, action);
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiration: Expiration,
      };
    } catch (thrown) {
      const error = fromAwsError(thrown, action);
      // A hop that is denied is the server's own fault, as bad credentials are: no pod is refused for it.
      if (ERRORS[error.code].retry) throw error;
      throw new PodroleError("STS_UNAVAILABLE", error.message, { cause: error.cause });
    }
  };
}

function toCommandInput(input: AssumeRoleInput): AssumeRoleCommandInput {
  return {
    RoleArn: input.roleArn,
    RoleSessionName: input.sessionName,
    DurationSeconds: input.durationSeconds,
    ...(input.externalId !== undefined && { ExternalId: input.externalId }),
    ...(input.sourceIdentity !== undefined && { SourceIdentity: input.sourceIdentity }),
    ...(input.policy !== undefined && { Policy: input.policy }),
    ...(input.policyArns && { PolicyArns: input.policyArns.map((arn) => ({ arn })) }),
    ...(input.tags && { Tags: input.tags.map(({ key, value }) => ({ Key: key, Value: value })) }),
  };
}

type Complete = { readonly [Key in keyof Credentials]-?: NonNullable<Credentials[Key]> };

function complete(issued: Credentials | undefined, action: string): Complete {
  if (issued?.AccessKeyId && issued.SecretAccessKey && issued.SessionToken && issued.Expiration) {
    return issued as Complete;
  }
  throw new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: STS answered without credentials`);
}

const THROTTLED = new Set(["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"]);
/** Our own credentials are bad or gone: for pods that is a passing fault of the server, never their refusal. */
const OWN_CREDENTIALS = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "SignatureDoesNotMatch",
  "MissingAuthenticationToken",
  "IncompleteSignature",
]);

/** The one mapper of what the AWS SDK throws. STS's own words are kept: they name principal and resource. */
export function fromAwsError(error: unknown, action: string): PodroleError {
  if (error instanceof PodroleError) return error;
  const options = { cause: error };
  if (!(error instanceof STSServiceException)) {
    const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
    const state = name === "TimeoutError" || name === "AbortError" ? "STS did not answer in time" : message;
    return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: ${state}`, options);
  }
  const said = `${error.name}: ${error.message}`;
  if (THROTTLED.has(error.name) || error.$metadata.httpStatusCode === 429) {
    return new PodroleError("STS_THROTTLED", `Cannot ${action}: ${said}`, options);
  }
  if (OWN_CREDENTIALS.has(error.name)) {
    return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: the server's own AWS credentials: ${said}`, options);
  }
  if (error.name === "AccessDenied" || error.name === "AccessDeniedException") {
    return new PodroleError("STS_DENIED", `Cannot ${action}: ${said}${likelyCause(error.message)}`, options);
  }
  if (error.$fault === "client") return new PodroleError("STS_INVALID", `Cannot ${action}: ${said}`, options);
  return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: ${said}`, options);
}

/** What of the four usual reasons an AccessDenied is, as far as its words tell. */
function likelyCause(message: string): string {
  const denied = /User: (\S+) is not authorized to perform: (sts:\w+) on resource: (\S+?)(?: |$)/.exec(message);
  if (denied === null) return "";
  const [, principal = "", permission = "", resource = ""] = denied;
  const role = parseRoleArn(resource)?.name ?? resource;
  if (permission === "sts:TagSession") {
    return ` (session tags are on: the trust policy of ${role} must allow sts:TagSession to ${principal})`;
  }
  if (message.includes("identity-based policy")) {
    return ` (${principal} itself lacks sts:AssumeRole on ${resource} in its own policies)`;
  }
  return ` (the trust policy of ${role} must allow sts:AssumeRole to ${principal}, whose own policy must allow it too; a role that does not exist looks the same)`;
}
