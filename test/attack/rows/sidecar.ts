// Attacks on a sidecar: containers of the pod reach its loopback port, the pod network reaches its health port.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AttackRow, localAddress } from "./row.ts";

export const SIDECAR_ROWS: readonly AttackRow[] = [
  {
    id: "sidecar-metrics",
    title: "9764: 1 200 clients that keep their connections and read /metrics every 4 s",
    under: "sidecar",
    ordinary: ["app", "sidecarLiveness"],
    job: ({ sidecar, directory }) => ({
      kind: "repeat",
      tls: false,
      port: sidecar.healthPort,
      localAddress,
      connections: 1_200,
      everyMs: 4_000,
      file: requestFile(directory, "metrics", "/metrics"),
    }),
  },
  {
    id: "sidecar-hogs",
    title: "9763: 1 100 connections that are kept alive, with invalid tokens",
    under: "sidecar",
    ordinary: ["app", "sidecarLiveness"],
    job: ({ sidecar, directory }) => ({
      kind: "repeat",
      tls: false,
      port: sidecar.port,
      localAddress,
      connections: 1_100,
      everyMs: 4_000,
      file: requestFile(directory, "hogs", "/v1/credentials", "Authorization: x\r\n"),
    }),
  },
  {
    id: "sidecar-pipeline",
    title: "9763: 10 connections that pipeline requests and read no answer, while there are no credentials",
    under: "sidecarWithout",
    ordinary: ["appWithout", "livenessWithout"],
    job: ({ sidecarWithout }) => ({
      kind: "pipeline",
      port: sidecarWithout.port,
      localAddress,
      connections: 10,
      text: "GET /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: x\r\n\r\n",
    }),
  },
];

function requestFile(directory: string, name: string, path: string, headers = ""): string {
  const file = join(directory, `${name}.http`);
  writeFileSync(file, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  return file;
}
