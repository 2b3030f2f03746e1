// STS as the server calls it, on virtual time and with faults, and a record of the sessions that it has issued. Errors
// pass through the mapping that the real client uses.
import type { AssumeRoleInput } from "../../src/policy/decide.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { fromAwsError, ownCredentialsError } from "../../src/server/aws/aws-errors.ts";
import type { Sts } from "../../src/server/aws/sts.ts";
import { between } from "./random.ts";
import { BEGINNING, type Program, type Timeline } from "./timeline.ts";

/** What is wrong with STS, or with the server's own credentials. */
export type StsFault = "down" | "error" | "stall" | "throttle" | "expired base" | "own credentials";

/** A session that STS issued. */
export interface IssuedSession {
  readonly input: AssumeRoleInput;
  /** Milliseconds of the timeline. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** STS. */
export interface StsModel {
  readonly faults: Set<StsFault>;
  /** ARNs of roles whose trust policy denies the server. */
  readonly denied: Set<string>;
  /** By access key. */
  readonly sessions: ReadonlyMap<string, IssuedSession>;
  readonly counts: { calls: number };
  connect(program: Program): Sts;
}

const TIMEOUT_MS = 10_000;
/** Of the server's own credentials, which are cached until then. */
const OWN_LIFETIME_MS = 3_600_000;
const PRUNE_EACH = 10_000;
const RETAINED_MS = 3_600_000;

/** Creates STS without faults. */
export function createStsModel(timeline: Timeline): StsModel {
  const faults = new Set<StsFault>();
  const denied = new Set<string>();
  const sessions = new Map<string, IssuedSession>();
  const counts = { calls: 0 };
  let issued = 0;

  function prune(): void {
    for (const [key, { expiresAt }] of sessions) if (expiresAt + RETAINED_MS < timeline.now()) sessions.delete(key);
  }

  function issue(input: AssumeRoleInput) {
    const issuedAt = timeline.now();
    const expiresAt = issuedAt + input.durationSeconds * 1000;
    issued += 1;
    const accessKeyId = `ASIA${issued.toString(36).toUpperCase().padStart(16, "0")}`;
    sessions.set(accessKeyId, { input, issuedAt, expiresAt });
    if (issued % PRUNE_EACH === 0) prune();
    // STS has whole seconds.
    const seconds = Math.floor((BEGINNING + issuedAt) / 1000) * 1000;
    return {
      accessKeyId,
      secretAccessKey: new Secret("s".repeat(40)),
      sessionToken: new Secret("t".repeat(40)),
      issuedAtMs: seconds,
      expiresAtMs: seconds + input.durationSeconds * 1000,
    };
  }

  function connect(program: Program): Sts {
    const pause = (ms: number) => new Promise<void>((resolve) => program.post(ms, resolve));
    let ownUntil = 0;

    async function findOwn(action: string): Promise<void> {
      if (timeline.now() < ownUntil) return;
      await pause(between(5, 50));
      if (faults.has("own credentials")) {
        await pause(TIMEOUT_MS);
        throw ownCredentialsError(named("TimeoutError"), action);
      }
      ownUntil = timeline.now() + OWN_LIFETIME_MS;
    }

    async function call(action: string, input?: AssumeRoleInput): Promise<void> {
      await findOwn(action);
      counts.calls += 1;
      await pause(between(20, 120));
      if (faults.has("stall")) {
        await pause(TIMEOUT_MS);
        throw fromAwsError(named("TimeoutError"), action);
      }
      const error = problem(input?.roleArn);
      if (error) throw fromAwsError(error, action, input);
    }

    function problem(roleArn: string | undefined): Error | undefined {
      if (faults.has("down")) return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      if (faults.has("error")) return exception("ServiceUnavailable", "server", 503);
      if (faults.has("throttle")) return exception("Throttling", "client", 400);
      if (faults.has("expired base")) return exception("ExpiredToken", "client", 403);
      if (roleArn !== undefined && denied.has(roleArn)) return exception("AccessDenied", "client", 403);
      return undefined;
    }

    return {
      async assumeRole(input) {
        await call(`assume role ${input.roleArn}`, input);
        return issue(input);
      },
      async callerArn() {
        await call("request the server's own identity");
        return "arn:aws:iam::123456789012:user/podrole-server";
      },
      findCredentials: () => findOwn("call STS"),
      close() {},
    };
  }

  return { faults, denied, sessions, counts, connect };
}

function named(name: string): Error {
  return Object.assign(new Error("no answer"), { name });
}

function exception(name: string, $fault: "client" | "server", httpStatusCode: number): Error {
  return Object.assign(new Error(`${name} by the simulation`), { name, $fault, $metadata: { httpStatusCode } });
}
