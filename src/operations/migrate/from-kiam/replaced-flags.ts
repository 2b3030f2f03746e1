// Flags of kiam that podrole does not have, and what replaces them: for migrations, and for operators who run podrole
// with a command line of kiam, which would otherwise fail with only "unknown option".

const OWN_CERTIFICATES = "podrole creates its own certificates; for your own CA, set --ca-cert and --ca-key";
const CONNECTIONS_REMARK = "podrole manages connections itself: it opens them on demand and closes idle ones";
const NO_INTERCEPTION = "podrole intercepts nothing";

/** The replacement by flag, a phrase without a full stop. */
export const KIAM_FLAGS: Readonly<Record<string, string>> = {
  "--cert": OWN_CERTIFICATES,
  "--key": OWN_CERTIFICATES,
  "--ca": "podrole creates its own CA; for your own, set --ca-cert and --ca-key",
  "--sync": "watches stay up to date without it; podrole_watch_age_seconds is their age",
  "--prometheus-listen-addr": "metrics are at /metrics of --pages-bind",
  "--prometheus-sync-interval": "metrics are collected at each scrape",
  "--pprof-listen-addr": "Node writes profiles: --cpu-prof, --heap-prof",
  "--session-refresh": "sessions are renewed after half of their lifetime",
  "--fetchers": "credentials are fetched when a pod gets its certificate; --sts-rate limits the calls",
  "--prefetch-buffer-size": "credentials are fetched when a pod gets its certificate; nothing is buffered",
  "--iptables": "podrole intercepts nothing; block 169.254.169.254 by NetworkPolicy (docs/install.md)",
  "--iptables-remove": NO_INTERCEPTION,
  "--host": NO_INTERCEPTION,
  "--host-interface": NO_INTERCEPTION,
  "--port": "there is no agent: each pod calls its own sidecar",
  "--allow-ip-query": "a pod is identified by its certificate, never by an address",
  "--allow-route-regexp": "podrole proxies no instance metadata; podrole.io/metadata serves some paths",
  "--whitelist-route-regexp": "podrole proxies no instance metadata; podrole.io/metadata serves some paths",
  "--gateway-timeout-creation": "pods wait for the server and start when it has answered",
  "--server-address": "sidecars get the server's address from the webhook's --server-address",
  "--server-address-refresh": CONNECTIONS_REMARK,
  "--grpc-keepalive-time-duration": CONNECTIONS_REMARK,
  "--grpc-keepalive-timeout-duration": CONNECTIONS_REMARK,
  "--grpc-keepalive-time-ms": CONNECTIONS_REMARK,
  "--grpc-keepalive-timeout-ms": CONNECTIONS_REMARK,
  "--grpc-keepalive-permit-without-stream": CONNECTIONS_REMARK,
  "--grpc-max-connection-idle-duration": CONNECTIONS_REMARK,
  "--grpc-max-connection-age-duration": CONNECTIONS_REMARK,
  "--grpc-max-connection-age-grace-duration": CONNECTIONS_REMARK,
  "--statsd": "metrics are at /metrics of --pages-bind",
  "--statsd-prefix": "metrics are at /metrics of --pages-bind",
  "--statsd-interval": "metrics are at /metrics of --pages-bind",
};

/** A line for each flag of a command line that only kiam has. */
export function explainKiamFlags(argv: readonly string[]): readonly string[] {
  const flags = argv.map((arg) => arg.split("=", 1)[0] ?? arg);
  return flags.flatMap((flag) =>
    Object.hasOwn(KIAM_FLAGS, flag) ? [`${flag} is a flag of kiam: ${KIAM_FLAGS[flag]}`] : [],
  );
}
