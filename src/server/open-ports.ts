// Opens the server's four ports: identity (server TLS), credentials (mutual TLS), state (HTTPS), and the HTTP pages for
// kubelet and Prometheus.
import type { Kubernetes } from "../kubernetes/api.ts";
import { notAfterOf } from "../pki/bundle.ts";
import { podIdentityOf } from "../pki/identity.ts";
import { presentedBytes } from "../pki/presented-bytes.ts";
import { type CallCaller, createCallsInFlight, podCaller } from "../protocol/calls-in-flight.ts";
import { isRefusal, type PodroleError } from "../protocol/errors.ts";
import {
  CREDENTIALS_LIMITS,
  createListener,
  IDENTITY_LIMITS,
  type Listener,
  MAX_CREDENTIALS_CALLS,
  MAX_IDENTITY_CALLS,
  type Peer,
} from "../protocol/listener.ts";
import type { CloseReason } from "../runtime/budget.ts";
import type { Log } from "../runtime/log.ts";
import { openPages } from "../runtime/pages.ts";
import { createSampler, type Sampler, sampledFields } from "../runtime/sampler.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import type { ServerSettings } from "../settings/server.ts";
import { createAccompanyingCredentials } from "./issue/accompanying-credentials.ts";
import { createCallerIdentifier } from "./issue/identify-caller.ts";
import { issueInTurns } from "./issue/issue-turns.ts";
import { credentialsService, identityService } from "./issue/services.ts";
import { refreshGauges } from "./observability/gauges.ts";
import { measureCertificates, measureCredentials } from "./observability/measure.ts";
import type { ServerMetrics } from "./observability/metrics.ts";
import type { OpenedAws } from "./open-aws.ts";
import type { OpenedIssuers } from "./open-issuers.ts";
import type { OpenedSigner } from "./open-signer.ts";
import { openState } from "./open-state.ts";
import type { OpenedTrust } from "./open-trust.ts";

/** The TCP ports that were bound; they differ from the settings where those say 0 (any free port). */
export interface ServerPorts {
  readonly identity: number;
  readonly credentials: number;
  readonly pages: number;
  readonly state: number;
}

interface PortDeps extends ProgramDeps {
  readonly kubernetes: Kubernetes;
  readonly metrics: ServerMetrics;
  readonly trust: OpenedTrust;
  readonly aws: OpenedAws;
  readonly issuers: OpenedIssuers;
  readonly signer: OpenedSigner;
}

/** Binds the ports; resolves once all of them accept connections, rejects if one cannot be bound. */
export async function openPorts(deps: PortDeps, settings: ServerSettings): Promise<ServerPorts> {
  const { shutdown, metrics } = deps;
  const { identity, credentials } = createListeners(deps, settings);
  const identityPort = await identity.listen();
  shutdown.onClose("identity port", () => identity.close());
  const credentialsPort = await credentials.listen();
  shutdown.onClose("credentials port", () => credentials.close());

  const { trust, aws, issuers, signer, clock } = deps;
  function unready(): readonly string[] {
    if (shutdown.signal.aborted) return ["the server is stopping"];
    if (trust.serving.expiresInMs() <= 0) return ["the server's own serving certificate has expired"];
    return issuers.isWatching() ? [] : ["the caches of pods and namespaces are not filled yet"];
  }
  // Not unready: if no replica were, pods would lose certificates, cached sessions and the message that names the
  // cause.
  function degraded(): readonly string[] {
    return [aws.ownCredentials.lastProblem()].filter((problem) => problem !== undefined);
  }
  const onClose = (reason: CloseReason) => metrics.connectionsClosed.inc({ port: "pages", reason });
  function exposeMetrics(): Promise<string> {
    const running = signer.current();
    refreshGauges(metrics, clock.now(), {
      isReady: [...unready(), ...degraded()].length === 0,
      listeners: { identity, credentials },
      cache: aws.cache,
      limiter: aws.limiter,
      authorityNotAfter: notAfterOf(trust.poller.current().authority.certificatePem),
      servingExpiresInMs: trust.serving.expiresInMs(),
      watchAgesMs: { ...issuers.directory.ages(), ...(running && { podcertificaterequests: running.ageMs() }) },
      podCertificates: running?.backlog() ?? { waiting: 0, oldestMs: 0 },
    });
    return metrics.expose();
  }
  const state = await openState({ ...deps, problems: () => [...unready(), ...degraded()] }, settings);
  const pages = await openPages({ clock, shutdown, onClose, exposeMetrics, unready, degraded }, settings.pagesBind);
  return { identity: identityPort, credentials: credentialsPort, pages, state };
}

function createListeners({ clock, log, metrics, trust, issuers }: PortDeps, settings: ServerSettings) {
  const { bind, identityBind, trustDomain, grpcShutdownGrace: graceMs } = settings;
  const bundlePem = () => trust.poller.current().bundlePem;
  const onFailure = () => sampleFailures(logFailure(log), createSampler({ clock }));
  const common = { bundlePem, observer: issuers.observer };
  const turns = { nextTurn: setImmediate, maxWaiting: MAX_IDENTITY_CALLS + MAX_CREDENTIALS_CALLS };
  const issuer = measureCredentials(issueInTurns(issuers.credentials, turns), metrics);
  const sampler = createSampler({ clock });
  const onClose = (port: string) => (reason: CloseReason) => {
    metrics.connectionsClosed.inc({ port, reason });
    if (reason !== "handshakes" && reason !== "requests") return;
    const omitted = sampler.take(port);
    if (omitted !== undefined) log.warn({ port, reason, ...sampledFields(omitted) }, "overloaded: refused a caller");
  };
  const inFlight = (port: string, max: number) =>
    createCallsInFlight({ onRefused: () => onClose(port)("requests") }, { max });
  const identity = identityService({
    ...common,
    onFailure: onFailure(),
    inFlight: inFlight("identity", MAX_IDENTITY_CALLS),
    issue: measureCertificates(issuers.issueCertificate, metrics),
    accompany: createAccompanyingCredentials({ clock, issuer }),
    onProven: (peer, pod) => identityListener.prove(peer, pod?.group),
  });
  const credentials = credentialsService({
    ...common,
    onFailure: onFailure(),
    inFlight: inFlight("credentials", MAX_CREDENTIALS_CALLS),
    identify: createCallerIdentifier({ clock, bundlePem }, { trustDomain }),
    issuer,
    callerOf: ({ certificate }) => certificate && callerIn(certificate, trustDomain),
  });
  const shared = { tls: trust.serving, graceMs };
  const identityListener: Listener = createListener(
    { clock, ...identity, onClose: onClose("identity") },
    { ...shared, address: identityBind, requireClientCertificate: false, limits: IDENTITY_LIMITS },
  );
  return {
    identity: identityListener,
    credentials: createListener(
      {
        ...{ clock, ...credentials, presentedBytes, onClose: onClose("credentials") },
        callerOf: (der) => callerIn(der, trustDomain),
      },
      { ...shared, address: bind, requireClientCertificate: true, limits: CREDENTIALS_LIMITS },
    ),
  };
}

/** The pod that shares a part of the port; whether it may have anything is decided at each call. */
function callerIn(certificate: Uint8Array, trustDomain: string): CallCaller | undefined {
  const identity = podIdentityOf(certificate, trustDomain);
  return isRefusal(identity) ? undefined : podCaller(identity);
}

type LogFailure = (error: PodroleError, peer: Peer, omitted?: number) => void;

/** Anybody who reaches the identity port can cause some of these without any proof, and any pod the others. */
function sampleFailures(logOne: LogFailure, sampler: Sampler): LogFailure {
  return (error, peer) => {
    const omitted = sampler.take(error.code);
    if (omitted !== undefined) logOne(error, peer, omitted);
  };
}

/** Refusals are in the audit trail, so only podrole's own failures are errors here; their cause is logged with them. */
function logFailure(log: Log): LogFailure {
  return (error, { address }, omitted = 0) => {
    const fields = { code: error.code, peer: address, err: error.cause, ...sampledFields(omitted) };
    if (error.code === "INTERNAL" || error.code === "AUTHORITY_UNAVAILABLE") log.error(fields, error.message);
    else log.info(fields, error.message);
  };
}
