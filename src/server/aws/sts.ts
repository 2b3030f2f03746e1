// The only file that calls AWS. It holds the server's own AWS credentials (through the SDK's default chain, or
// --credential-process) and turns one AssumeRole input into session credentials. It decides nothing: inputs have passed
// the policy. States: open (one client for the server, one more per first hop, created at its first use) → closed
// (close()). A search for own credentials: running → found, or failed, at its deadline at the latest, which ends what
// it has started (bounded-work.ts); the next search uses a new chain of providers, because the SDK's keeps a promise
// that may never settle.
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
import { type Clock, formatSeconds } from "../../runtime/clock.ts";
import { Secret } from "../../runtime/secret.ts";
import { fromAwsError, ownCredentialsError } from "./aws-errors.ts";
import { createBoundedWork } from "./bounded-work.ts";
import { createProcessCredentials } from "./credential-process.ts";
import { createCredentialSearch } from "./credential-search.ts";
import { holdCredentials } from "./held-credentials.ts";
import type { DeniedRequest } from "./sts-denial.ts";
import { STS_RETRY_STRATEGY } from "./sts-retry.ts";

/**
 * Session credentials that STS issued for one AssumeRole input. Both times are Unix milliseconds by the clock of STS.
 */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /**
   * Percentage of the space for session policies and tags in use; absent if there are none. Only STS can compute it.
   */
  readonly packedPolicySize?: number;
}

type AwsCredentialIdentityProvider = STSClient["config"]["credentials"];
type AwsCredentialIdentity = Awaited<ReturnType<AwsCredentialIdentityProvider>>;

/**
 * Rejects with PodroleError STS_DENIED, STS_INVALID, STS_THROTTLED, STS_UNAVAILABLE or SESSION_EXPIRED. Wrappers have
 * the same shape.
 */
export type AssumeRole = (input: AssumeRoleInput) => Promise<SessionCredentials>;

export interface Sts {
  readonly assumeRole: AssumeRole;
  /** ARN of the principal that assumes roles, after the first hop of --assume-role-arn. Requires no IAM permission. */
  callerArn(): Promise<string>;
  /**
   * Resolves if the server has AWS credentials of its own; rejects with PodroleError STS_UNAVAILABLE if it finds none.
   */
  findCredentials(): Promise<void>;
  /** Closes connections; calls in flight fail. */
  close(): void;
}

export interface StsOptions {
  /** Undefined: the SDK searches environment, shared configuration and instance metadata. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly usesFips: boolean;
  readonly usesDualStack: boolean;
  /** Role that the server assumes first; that session then assumes the pods' roles. */
  readonly hopRoleArn: string | undefined;
  /** Program that prints the server's own credentials; undefined: the SDK's default chain. */
  readonly credentialProcess?: readonly string[] | undefined;
  /** Deadline of each call, including the search for the server's own credentials. */
  readonly timeoutMs: number;
}

export interface StsDeps {
  readonly clock: Clock;
  /** Sends the SDK's requests; by default the SDK's own handler, on node:https. */
  readonly requestHandler?: NonNullable<STSClientConfig["requestHandler"]>;
}

/** Creates the clients; calls nothing yet. */
export function createSts({ clock, requestHandler }: StsDeps, options: StsOptions): Sts {
  const endpoint = endpointConfig(options);
  const base: STSClientConfig = { ...endpoint, ...(requestHandler && { requestHandler }) };
  const { search, reasons, logger } = createCredentialSearch();
  const { credentialProcess: command, timeoutMs } = options;
  const bounded = createBoundedWork({ clock }, { timeoutMs });
  // The default chain exchanges web identity tokens at STS: at the same endpoint as every other call.
  const newChain = () => defaultProvider({ clientConfig: endpoint, logger });
  let chain = newChain();
  const searchChain: AwsCredentialIdentityProvider = async (properties) => {
    try {
      return await search(() => bounded.run(() => chain(properties)));
    } catch (error) {
      chain = newChain();
      throw error;
    }
  };
  // The client caches what this returns, and calls that come meanwhile wait for the one search.
  const credentials = holdCredentials(
    { clock },
    command ? createProcessCredentials({ clock }, { command, timeoutMs }) : searchChain,
  );
  const own = new STSClient({ ...base, credentials });
  /** One client per first hop; there are as many as the settings name. */
  const hops = new Map<string, STSClient>();

  function clientVia(hopRoleArn: string | undefined): STSClient {
    if (hopRoleArn === undefined) return own;
    const client =
      hops.get(hopRoleArn) ??
      new STSClient({ ...base, credentials: holdCredentials({ clock }, () => assumeHop(hopRoleArn)) });
    hops.set(hopRoleArn, client);
    return client;
  }

  /** Called by the SDK, again shortly before `expiration`: so the hop's session is renewed without code here. */
  async function assumeHop(hopRoleArn: string): Promise<AwsCredentialIdentity> {
    const action = `assume the server's own role ${hopRoleArn}`;
    const request = { roleArn: hopRoleArn, sessionName: "podrole-server", durationSeconds: 3600 };
    try {
      const { Credentials: issued } = await send(
        own,
        action,
        (abortSignal) => own.send(new AssumeRoleCommand(toCommandInput(request)), { abortSignal }),
        request,
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = requireComplete(issued, action);
      const secrets = { secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      return { accessKeyId: AccessKeyId, ...secrets, expiration: Expiration };
    } catch (thrown) {
      const error = fromAwsError(thrown, action);
      // A denied hop is an error of the server, like invalid credentials: pods get a retryable error, never a denial.
      if (ERRORS[error.code].retry) throw error;
      // The explanation names the server's own principal and policies, so it is for the log only.
      const message = `Cannot ${action}: ${error.code}; the server's log has the details`;
      throw new PodroleError("STS_UNAVAILABLE", message, { cause: error });
    }
  }

  async function ensureCredentials(client: STSClient, action: string, signal: AbortSignal): Promise<void> {
    await rejectOnAbort(signal, client.config.credentials()).catch((error: unknown) => {
      throw ownCredentialsError(error, action, reasons());
    });
  }

  /** Loads the server's own credentials first, so that an error there is the server's and never a pod's denial. */
  async function send<Output>(
    client: STSClient,
    action: string,
    call: (signal: AbortSignal) => Promise<Output>,
    request?: DeniedRequest,
  ): Promise<Output> {
    const signal = AbortSignal.timeout(timeoutMs);
    await ensureCredentials(client, action, signal);
    return call(signal).catch((error: unknown) => {
      throw fromAwsError(error, action, request);
    });
  }

  return {
    async assumeRole(input) {
      const action = `assume role ${input.roleArn}`;
      const client = clientVia(input.via ?? options.hopRoleArn);
      const command = new AssumeRoleCommand(toCommandInput(input));
      const answeredAt = dateOfResponse(command);
      const { Credentials: issued, PackedPolicySize: packedPolicySize } = await send(
        client,
        action,
        (abortSignal) => client.send(command, { abortSignal }),
        input,
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = requireComplete(issued, action);
      refuseExpired(Expiration, answeredAt() ?? clock.now(), action);
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: new Secret(SecretAccessKey),
        sessionToken: new Secret(SessionToken),
        // Not earlier than the answer: what stands in for STS may return sessions that are shorter than requested.
        issuedAtMs: Math.max(Expiration.getTime() - input.durationSeconds * 1000, answeredAt() ?? 0),
        expiresAtMs: Expiration.getTime(),
        ...(packedPolicySize !== undefined && { packedPolicySize }),
      };
    },
    async callerArn() {
      const action = "request the server's own identity";
      const client = clientVia(options.hopRoleArn);
      const { Arn } = await send(client, action, (abortSignal) =>
        client.send(new GetCallerIdentityCommand({}), { abortSignal }),
      );
      return Arn ?? "";
    },
    findCredentials() {
      const action = "call STS";
      return ensureCredentials(own, action, AbortSignal.timeout(timeoutMs));
    },
    close() {
      bounded.close();
      for (const client of [own, ...hops.values()]) client.destroy();
    },
  };
}

/** Endpoint and retries, shared by all clients. */
function endpointConfig({ region, endpoint, usesFips, usesDualStack }: StsOptions) {
  return {
    // The cache and the sidecars decide about further attempts.
    retryStrategy: STS_RETRY_STRATEGY,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(usesFips && { useFipsEndpoint: true }),
    ...(usesDualStack && { useDualstackEndpoint: true }),
  };
}

/**
 * Settles as `work` does, or rejects when `signal` aborts: the SDK's credential providers have no deadline of their
 * own.
 */
function rejectOnAbort<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
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

/**
 * Returns a function that, after the call, returns the time of STS (header Date) in Unix milliseconds, undefined
 * without it.
 */
function dateOfResponse(command: AssumeRoleCommand): () => number | undefined {
  let headers: Readonly<Record<string, string | undefined>> | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      headers = (result.response as { readonly headers?: typeof headers }).headers;
      return result;
    },
    { step: "deserialize", name: "podroleDateOfResponse" },
  );
  return () => {
    const ms = Date.parse(headers?.["date"] ?? "");
    return Number.isNaN(ms) ? undefined : ms;
  };
}

/**
 * Only the clock of STS decides: one that this server shares with nobody would refuse good sessions, or keep expired
 * ones.
 */
function refuseExpired(expiration: Date, now: number, action: string): void {
  if (expiration.getTime() > now) return;
  const state = `STS answered at ${formatSeconds(now)} with a session that expired at ${formatSeconds(expiration.getTime())}`;
  throw new PodroleError("SESSION_EXPIRED", `Cannot ${action}: ${state}; expected one that is valid`);
}

type CompleteCredentials = { readonly [Key in keyof Credentials]-?: NonNullable<Credentials[Key]> };

function requireComplete(issued: Credentials | undefined, action: string): CompleteCredentials {
  if (issued?.AccessKeyId && issued.SecretAccessKey && issued.SessionToken && issued.Expiration) {
    return issued as CompleteCredentials;
  }
  throw new PodroleError(
    "STS_UNAVAILABLE",
    `Cannot ${action}: STS answered without credentials; expected all four fields`,
  );
}
