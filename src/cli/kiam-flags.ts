// kiam's flags that podrole does not have, and what took their place: a person who brings a kiam command line along is
// told, instead of reading "unknown option".

const GONE: Readonly<Record<string, string>> = {
  "--cert": "podrole makes its certificates itself; for a CA of your own: --ca-cert and --ca-key",
  "--key": "podrole makes its certificates itself; for a CA of your own: --ca-cert and --ca-key",
  "--ca": "podrole makes its CA itself; for one of your own: --ca-cert and --ca-key",
  "--sync": "watches are kept fresh by themselves; podrole_watch_age_seconds tells",
  "--prometheus-listen-addr": "metrics are at /metrics of --pages-bind",
  "--prometheus-sync-interval": "metrics are read when they are asked for",
  "--session-refresh": "sessions are renewed when half of their life has passed",
  "--fetchers": "credentials are fetched when a pod gets its certificate; --sts-rate bounds the calls",
  "--prefetch-buffer-size": "credentials are fetched when a pod gets its certificate; nothing is buffered",
  "--iptables": "podrole intercepts nothing; block 169.254.169.254 by NetworkPolicy (docs/install.md)",
  "--host-interface": "podrole intercepts nothing",
  "--allow-route-regexp": "podrole proxies no instance metadata",
  "--gateway-timeout-creation": "pods wait for the server as long as --init-timeout of the sidecar says",
};

/** A line for each flag of kiam's on this command line that has gone; empty when there is none. */
export function goneFlags(argv: readonly string[]): readonly string[] {
  const flags = argv.map((word) => word.split("=", 1)[0] ?? word);
  return flags.flatMap((flag) => (Object.hasOwn(GONE, flag) ? [`${flag} was kiam's: ${GONE[flag]}`] : []));
}
