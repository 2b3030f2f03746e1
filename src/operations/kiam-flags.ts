// kiam's flags that podrole does not have, and what took their place: a person who brings a kiam command line along is
// told, instead of reading "unknown option".

const OWN_CERTIFICATES = "podrole makes its certificates itself; for a CA of your own: --ca-cert and --ca-key";
const CONNECTIONS = "connections are podrole's own concern: they open when needed and end when idle";
const NO_INTERCEPTION = "podrole intercepts nothing";

export const GONE: Readonly<Record<string, string>> = {
  "--cert": OWN_CERTIFICATES,
  "--key": OWN_CERTIFICATES,
  "--ca": "podrole makes its CA itself; for one of your own: --ca-cert and --ca-key",
  "--sync": "watches are kept fresh by themselves; podrole_watch_age_seconds tells",
  "--prometheus-listen-addr": "metrics are at /metrics of --pages-bind",
  "--prometheus-sync-interval": "metrics are read when they are asked for",
  "--pprof-listen-addr": "profiles are Node's: --cpu-prof, --heap-prof",
  "--session-refresh": "sessions are renewed when half of their life has passed",
  "--fetchers": "credentials are fetched when a pod gets its certificate; --sts-rate bounds the calls",
  "--prefetch-buffer-size": "credentials are fetched when a pod gets its certificate; nothing is buffered",
  "--iptables": "podrole intercepts nothing; block 169.254.169.254 by NetworkPolicy (docs/install.md)",
  "--iptables-remove": NO_INTERCEPTION,
  "--host": NO_INTERCEPTION,
  "--host-interface": NO_INTERCEPTION,
  "--port": "there is no agent: each pod asks its own sidecar",
  "--allow-ip-query": "a pod is known by its certificate, never by an address",
  "--allow-route-regexp": "podrole proxies no instance metadata; podrole.io/metadata serves some paths",
  "--whitelist-route-regexp": "podrole proxies no instance metadata; podrole.io/metadata serves some paths",
  "--gateway-timeout-creation": "pods wait for the server by themselves and start when it has answered",
  "--server-address": "sidecars learn the server's address from the webhook's --server-address",
  "--server-address-refresh": CONNECTIONS,
  "--grpc-keepalive-time-duration": CONNECTIONS,
  "--grpc-keepalive-timeout-duration": CONNECTIONS,
  "--grpc-keepalive-time-ms": CONNECTIONS,
  "--grpc-keepalive-timeout-ms": CONNECTIONS,
  "--grpc-keepalive-permit-without-stream": CONNECTIONS,
  "--grpc-max-connection-idle-duration": CONNECTIONS,
  "--grpc-max-connection-age-duration": CONNECTIONS,
  "--grpc-max-connection-age-grace-duration": CONNECTIONS,
  "--statsd": "metrics are at /metrics of --pages-bind",
  "--statsd-prefix": "metrics are at /metrics of --pages-bind",
  "--statsd-interval": "metrics are at /metrics of --pages-bind",
};

/** A line for each flag of kiam's on this command line that has gone; empty when there is none. */
export function goneFlags(argv: readonly string[]): readonly string[] {
  const flags = argv.map((word) => word.split("=", 1)[0] ?? word);
  return flags.flatMap((flag) => (Object.hasOwn(GONE, flag) ? [`${flag} was kiam's: ${GONE[flag]}`] : []));
}
