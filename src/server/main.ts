// The server's composition root, read top to bottom: clients, trust, caches, use cases, ports. It builds and starts;
// what is decided stands in issue-certificate.ts and issue-credentials.ts.
import { type AddressInfo, isIP } from "node:net";
import type { Kubernetes } from "../kubernetes/api.ts";
import { createKubernetes } from "../kubernetes/client.ts";
import { notAfterOf } from "../pki/bundle.ts";
import { capForRoleChaining } from "../policy/role-chaining.ts";
import { policySettings } from "../policy/settings-table.ts";
import type { PodroleError } from "../protocol/errors.ts";
import { createListener, type Peer } from "../protocol/listener.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import { buildLabels, createMetrics } from "../runtime/metrics.ts";
import { createAuthorityKeeper, type ReadTrust, trustFromSecret } from "./trust/authority-keeper.ts";
import { createCredentialCache } from "./aws/credential-cache.ts";
import { createEventTeller } from "./issue/events.ts";
import { measureCache, measureCertificates, measureCredentials, measureSts, setConnections } from "./instrument.ts";
import { createCertificateIssuer } from "./issue/issue-certificate.ts";
import { createCredentialIssuer } from "./issue/issue-credentials.ts";
import { SERVER_METRICS } from "./metrics.ts";
import { createPages } from "../runtime/pages.ts";
import { type Births, createBirths } from "./trust/owner.ts";
import { createPodDirectory } from "./issue/pod-directory.ts";
import { tellFaults } from "./aws/own-faults.ts";
import { readInstanceProfileArn } from "./aws/instance-profile.ts";
import { detectBaseArn, learnCallerArn } from "./aws/own-identity.ts";
import { provePod } from "./issue/prove.ts";
import { createServingCertificate } from "./trust/serving-certificate.ts";
import { credentialsService, identityService } from "./services.ts";
import { rotationOptions, type ServerSettings } from "./settings.ts";
import { createSts } from "./aws/sts.ts";
import { createStsLimiter } from "./aws/sts-limiter.ts";
import { trustFromFiles } from "./trust/trust-files.ts";
import { createWebhookConfigurationKeeper } from "./trust/webhook-configuration.ts";

/** The ports that were bound: settings may ask for any free one. */
export interface ServerPorts {
  readonly identity: number;
  readonly credentials: number;
  readonly pages: number;
}

/** Starts the server; resolves when its ports answer. What it opened is closed by `shutdown`. */
export async function startServer(deps: ProgramDeps, settings: ServerSettings): Promise<ServerPorts> {
  const { clock, log, audit, shutdown } = deps;
  const metrics = createMetrics(SERVER_METRICS);
  metrics.buildInfo.set(buildLabels(), 1);
  const kubernetes = createKubernetes({ kubeconfigPath: settings.kubeconfig, component: "podrole-server" });

  // Trust: the CA, the server's own certificate, the webhook's caBundle.
  const births = createBirths(kubernetes, settings.owner);
  const keeper = createAuthorityKeeper({
    readTrust: trustSource(deps, settings, { kubernetes, births }),
    publish: trustPublisher(settings, { kubernetes, births }),
    clock,
    log,
    onLook: (result) => metrics.authorityLooks.inc({ result }),
  });
  shutdown.onClose("CA", () => keeper.stop());
  await keeper.start();
  const serving = createServingCertificate(
    { keeper, clock, log },
    { ...namesOf(settings.serverNames), lifetimeMs: settings.certificateTtl },
  );
  shutdown.onClose("serving certificate", () => serving.stop());
  const caBundle = createWebhookConfigurationKeeper(
    {
      kubernetes,
      clock,
      log,
      bundlePem: () => keeper.current().bundlePem,
      onResult: (result) => metrics.caBundleWrites.inc({ result }),
    },
    { name: settings.webhookConfiguration },
  );
  keeper.onChange(() => caBundle.hurry());
  shutdown.onClose("caBundle", () => caBundle.stop());

  // STS, and what stands before it.
  const sts = createSts(
    { clock },
    {
      region: settings.region,
      endpoint: settings.stsEndpoint,
      fips: settings.fips,
      dualStack: settings.dualStack,
      hopRoleArn: settings.assumeRoleArn,
      credentialProcess: settings.credentialProcess,
      timeoutMs: settings.stsTimeout,
    },
  );
  shutdown.onClose("STS client", () => sts.close());
  const assumeRole = createStsLimiter(
    {
      clock,
      assumeRole: tellFaults({ clock, log, assumeRole: measureSts(sts.assumeRole, metrics) }),
      onHeldBack: (reason, retryAfterMs) => metrics.stsHeldBack.observe({ reason }, retryAfterMs / 1000),
    },
    { ratePerSecond: settings.stsRate, burst: settings.stsBurst },
  );
  const cache = createCredentialCache(
    { clock, assumeRole },
    { capacity: settings.credentialCacheSize, refusalMs: 15_000 },
  );
  const asking = { clock, log, signal: shutdown.signal, callerArn: () => sts.callerArn() };
  const instance = { endpoint: settings.instanceMetadata, timeoutMs: 1_000 };
  const detectedBaseArn =
    settings.roleBaseArn === undefined && settings.roleBaseArnAutodetect
      ? await detectBaseArn({ ...asking, instanceProfileArn: () => readInstanceProfileArn({ fetch }, instance) })
      : undefined;
  let policy = policySettings(settings, detectedBaseArn);
  void learnCallerArn(asking).then((callerArn) => {
    policy = capForRoleChaining(policy, callerArn ?? "");
    const { sessionCapMs: cap, sessionDurationMs, maxSessionDurationMs = sessionDurationMs } = policy;
    if (cap !== undefined && maxSessionDurationMs > cap)
      log.warn({ callerArn }, "sessions last 1h at most: the server is itself a session of a role (role chaining)");
  });

  // The cluster, and the two use cases.
  const directory = createPodDirectory({ kubernetes, clock, log });
  shutdown.onClose("watches", () => directory.stop());
  void eachMinute(clock, shutdown.signal, () => {
    const living = directory.livingPods();
    cache.sweep((uid) => living?.has(uid) ?? true);
  });
  const tell = createEventTeller({ kubernetes, clock, log, onTold: ({ code }) => metrics.events.inc({ code }) });
  const issuer = createCredentialIssuer({
    audit,
    directory,
    cache: measureCache(cache, metrics),
    readConfigMap: (namespace, name) => kubernetes.getConfigMap(namespace, name),
    tell,
    policy: () => policy,
  });
  const { trustDomain } = settings;
  const issue = createCertificateIssuer(
    {
      clock,
      audit,
      prove: (token) => provePod(kubernetes, token, settings.audience),
      authority: () => keeper.current().authority,
      fetchAhead: ({ pod, namespace, name, uid, serviceAccount }) => {
        const identity = { trustDomain, namespace, serviceAccount, pod: name, uid };
        directory.inContext(pod, namespace).then(
          (found) => issuer.fetchAhead(identity, found),
          (error: unknown) => log.warn({ err: error, namespace, pod: name }, "could not fetch ahead"),
        );
      },
    },
    {
      trustDomain,
      lifetimeMs: settings.certificateTtl,
      webhook: {
        namespace: settings.webhookServiceAccount.namespace,
        serviceAccount: settings.webhookServiceAccount.name,
        ...namesOf(settings.webhookNames),
      },
    },
  );

  // The ports.
  const bundlePem = () => keeper.current().bundlePem;
  const identity = createListener(
    {
      clock,
      ...identityService({ bundlePem, issue: measureCertificates(issue, metrics), onFailure: failureLog(log) }),
    },
    {
      address: settings.identityBind,
      tls: serving,
      requireClientCertificate: false,
      graceMs: settings.grpcShutdownGrace,
    },
  );
  const credentials = createListener(
    {
      clock,
      ...credentialsService({
        bundlePem,
        issuer: measureCredentials(issuer, metrics),
        trustDomain,
        onFailure: failureLog(log),
      }),
    },
    { address: settings.bind, tls: serving, requireClientCertificate: true, graceMs: settings.grpcShutdownGrace },
  );
  let watching = false;
  directory.ready.then(
    () => {
      watching = true;
    },
    () => {},
  );
  const ports = { identity: await identity.listen(), credentials: await credentials.listen() };
  shutdown.onClose("identity port", () => identity.close());
  shutdown.onClose("credentials port", () => credentials.close());
  const pages = createPages({
    exposeMetrics() {
      refreshGauges();
      return metrics.expose();
    },
    unready,
  });
  await pages.listen({ host: settings.pagesBind.host, port: settings.pagesBind.port });
  shutdown.onClose("pages", () => pages.close());

  function unready(): readonly string[] {
    if (shutdown.signal.aborted) return ["the server is stopping"];
    return watching ? [] : ["the caches of pods and namespaces are not filled yet"];
  }

  function refreshGauges(): void {
    const now = clock.now();
    metrics.ready.set(unready().length === 0 ? 1 : 0);
    for (const [port, listener] of Object.entries({ identity, credentials })) setConnections(metrics, port, listener);
    metrics.cacheSize.set(cache.size);
    metrics.nearestExpiry.set(cache.nearestExpiryMs() / 1000);
    metrics.authorityExpiry.set((notAfterOf(keeper.current().authority.certificatePem) - now) / 1000);
    metrics.servingExpiry.set((serving.notAfter() - now) / 1000);
    for (const [resource, ageMs] of Object.entries(directory.ages())) metrics.watchAge.set({ resource }, ageMs / 1000);
  }

  const bound = { ...ports, pages: (pages.server.address() as AddressInfo).port };
  log.info({ ports: bound, trustDomain, baseArn: policy.baseArn }, "server is up");
  return bound;
}

/** Certificates distinguish DNS names from IP addresses; settings need not. */
function namesOf(names: readonly string[]) {
  return {
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
  };
}

function trustSource(
  { clock, log }: ProgramDeps,
  settings: ServerSettings,
  { kubernetes, births }: { readonly kubernetes: Kubernetes; readonly births: Births },
): ReadTrust {
  const { caCert, caKey, caSecret, certificateTtl } = settings;
  if (caCert !== undefined && caKey !== undefined) {
    return trustFromFiles({ clock, log }, { certificateFile: caCert, keyFile: caKey, leafLifetimeMs: certificateTtl });
  }
  return trustFromSecret({ kubernetes, births, clock, log }, { ...caSecret, rotation: rotationOptions(settings) });
}

function trustPublisher(
  { trustConfigMap: { namespace, name } }: ServerSettings,
  { kubernetes, births }: { readonly kubernetes: Kubernetes; readonly births: Births },
) {
  return async (bundlePem: string): Promise<void> => {
    const birth = await births(namespace);
    if (birth) await kubernetes.putConfigMap(namespace, name, { "bundle.pem": bundlePem }, birth);
  };
}

/** Refusals are in the audit; here stands what is podrole's own fault, with its cause. */
function failureLog(log: Log) {
  return (error: PodroleError, { address }: Peer) => {
    const facts = { code: error.code, peer: address, err: error.cause };
    if (error.code === "INTERNAL" || error.code === "AUTHORITY_UNAVAILABLE") log.error(facts, error.message);
    else log.info(facts, error.message);
  };
}

async function eachMinute(clock: Clock, signal: AbortSignal, work: () => void): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, 60_000, signal);
    work();
  }
}
