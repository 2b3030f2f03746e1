// Commands of aws for an installation whose server calls an emulated STS: they have to reach the emulator, not AWS.
// Pure.
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";

/** Who operates an emulator corrects the role there. */
export const EMULATOR_REMEDY =
  "STS is emulated, so correct it in the emulator, not in AWS: by the commands of aws below, or in its own settings if it does not answer them.";

/** A name of a Service as the cluster's DNS knows it. */
const SERVICE_HOST = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?$/;
/** A process without root rights may not listen at a lower port. */
const FIRST_USER_PORT = 1024;
const USUAL_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Returns the commands after which those of aws in the same shell reach the emulator at `endpoint`; none if the server
 * calls AWS.
 */
export function emulatorSteps(endpoint: string | undefined): readonly string[] {
  if (endpoint === undefined || !URL.canParse(endpoint)) return [];
  const { protocol, hostname, port } = new URL(endpoint);
  const [, service, namespace] = SERVICE_HOST.exec(hostname) ?? [];
  if (service === undefined || namespace === undefined) return [exportStep(endpoint)];
  const remote = port === "" ? (USUAL_PORTS[protocol] ?? "80") : port;
  const local = Number(remote) < FIRST_USER_PORT ? `8${remote.padStart(3, "0")}` : remote;
  const ports = local === remote ? remote : `${local}:${remote}`;
  return [
    `kubectl -n ${shellQuote(namespace)} port-forward ${objectArgument("service", service)} ${ports}  # first, in a second terminal until you have finished: STS is emulated in the cluster, and commands of aws have to reach it`,
    exportStep(`${protocol}//localhost:${local}`),
  ];
}

function exportStep(endpoint: string): string {
  return `export AWS_ENDPOINT_URL=${shellQuote(endpoint)}  # in the terminal of the commands below, so that aws changes the emulator and not AWS: unset AWS_ENDPOINT_URL ends it`;
}
