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
} from "@aws-sdk/client-sts";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { ERRORS, PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { Secret } from "../../runtime/secret.ts";
import { fromAwsError, noOwnCredentials } from "./aws-errors.ts";
import { createProcessCredentials } from "./credential-process.ts";
import { createCredentialSearch } from "./credential-search.ts";
import type { DeniedRequest } from "./sts-denial.ts";

/** What STS issued for one AssumeRole input. Times are Unix milliseconds. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** How full the space for session policies and tags is, in percent; absent when there are none. Only STS knows it. */
  readonly packedPolicySize?: number;
}

type AwsCredentialIdentity = Awaited<ReturnType<STSClient["config"]["credentials"]>>;

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
  readonly dualStack: boolean;
  /** Role to assume first; its session then assumes the pods' roles. */
  readonly hopRoleArn: string | undefined;
  /** The program that prints the server's own credentials; absent: the SDK's own search. */
  readonly credentialProcess?: readonly string[] | undefined;
  /** Each call ends after this, whoever waits for it. */
  readonly timeoutMs: number;
}

export interface StsDeps {
  readonly clock: Clock;
  /** Carries the SDK's requests; by default the SDK's own, on node:https. */
  readonly requestHandler?: NonNullable<STSClientConfig["requestHandler"]>;
}

export function createSts({ clock, requestHandler }: StsDeps, options: StsOptions): Sts {
  const way = wayToSts(options);
  const base: STSClientConfig = { ...way, ...(requestHandler && { requestHandler }) };
  // The exchange of a web identity token for credentials goes the same way as every other call to STS.
  const search = createCredentialSearch();
  const { credentialProcess: command, timeoutMs } = options;
  const credentials = command
    ? createProcessCredentials({ clock }, { command, timeoutMs })
    : defaultProvider({ clientConfig: way, logger: search.logger });
  const own = new STSClient({ ...base, credentials });
  /** One client for each first hop; there are as many as the settings name. */
  const hops = new Map<string, STSClient>();

  function clientVia(hopRoleArn: string | undefined): STSClient {
    if (hopRoleArn === undefined) return own;
    const held = hops.get(hopRoleArn);
    const client = held ?? new STSClient({ ...base, credentials: () => assumeHop(hopRoleArn) });
    hops.set(hopRoleArn, client);
    return client;
  }

  /** The SDK asks again shortly before `expiration`, so the hop renews itself. */
  async function assumeHop(hopRoleArn: string): Promise<AwsCredentialIdentity> {
    const action = `assume the server's own role ${hopRoleArn}`;
    const asked = { roleArn: hopRoleArn, sessionName: "podrole-server", durationSeconds: 3600 };
    try {
      const { Credentials: issued } = await send(
        own,
        action,
        (abortSignal) => own.send(new AssumeRoleCommand(toCommandInput(asked)), { abortSignal }),
        asked,
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = complete(issued, action);
      const secrets = { secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      return { accessKeyId: AccessKeyId, ...secrets, expiration: Expiration };
    } catch (thrown) {
      const error = fromAwsError(thrown, action);
      // A hop that is denied is the server's own fault, as bad credentials are: no pod is refused for it.
      if (ERRORS[error.code].retry) throw error;
      throw new PodroleError("STS_UNAVAILABLE", error.message, { cause: error.cause });
    }
  }

  async function ensureCredentials(client: STSClient, action: string, signal: AbortSignal): Promise<void> {
    search.begin();
    await within(signal, client.config.credentials()).catch((error: unknown) => {
      throw noOwnCredentials(error, action, search.reasons());
    });
  }

  /** The credentials are asked for first, so that whatever fails there is the server's fault and no pod's refusal. */
  async function send<Output>(
    client: STSClient,
    action: string,
    call: (signal: AbortSignal) => Promise<Output>,
    asked?: DeniedRequest,
  ): Promise<Output> {
    const signal = AbortSignal.timeout(options.timeoutMs);
    await ensureCredentials(client, action, signal);
    return call(signal).catch((error: unknown) => {
      throw fromAwsError(error, action, asked);
    });
  }

  return {
    async assumeRole(input) {
      const action = `assume role ${input.roleArn}`;
      const issuedAt = clock.now();
      const client = clientVia(input.via ?? options.hopRoleArn);
      const { Credentials: issued, PackedPolicySize: packedPolicySize } = await send(
        client,
        action,
        (abortSignal) => client.send(new AssumeRoleCommand(toCommandInput(input)), { abortSignal }),
        input,
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = complete(issued, action);
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: new Secret(SecretAccessKey),
        sessionToken: new Secret(SessionToken),
        issuedAt,
        expiresAt: Expiration.getTime(),
        ...(packedPolicySize !== undefined && { packedPolicySize }),
      };
    },
    async callerArn() {
      const action = "ask for the server's own identity";
      const client = clientVia(options.hopRoleArn);
      const { Arn } = await send(client, action, (abortSignal) =>
        client.send(new GetCallerIdentityCommand({}), { abortSignal }),
      );
      return Arn ?? "";
    },
    close() {
      for (const client of [own, ...hops.values()]) client.destroy();
    },
  };
}

/** Which endpoint of STS, and how often it is asked. */
function wayToSts({ region, endpoint, fips, dualStack }: StsOptions) {
  return {
    // One retry of the SDK's own; the cache and the sidecars decide about all further ones.
    maxAttempts: 2,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(fips && { useFipsEndpoint: true }),
    ...(dualStack && { useDualstackEndpoint: true }),
  };
}

/** The SDK's providers know no deadline. */
function within<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
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
    ...(input.tags && input.transitiveTags && { TransitiveTagKeys: input.tags.map(({ key }) => key) }),
  };
}

type Complete = { readonly [Key in keyof Credentials]-?: NonNullable<Credentials[Key]> };

function complete(issued: Credentials | undefined, action: string): Complete {
  if (issued?.AccessKeyId && issued.SecretAccessKey && issued.SessionToken && issued.Expiration) {
    return issued as Complete;
  }
  throw new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: STS answered without credentials`);
}
