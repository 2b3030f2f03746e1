// Entry of the image podrole-try, and the only file of it that sees the process: `sts` runs the emulated STS, `app` the
// app.
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { interruptionsOf } from "../../src/runtime/interruptions.ts";
import { Secret } from "../../src/runtime/secret.ts";
import type { RegisteredConfiguration } from "./installation-guard.ts";

const interrupted = interruptionsOf(process, () => 1);

// Each program loads only its own part: the app of a pod needs no Kubernetes client.

async function serveSts(): Promise<number> {
  const { createOperatorKubernetes } = await import("../../src/kubernetes/client.ts");
  const { createLog } = await import("../../src/runtime/log.ts");
  const { runTrySts } = await import("./sts.ts");
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretKey = "" } = process.env;
  const kubernetes = createOperatorKubernetes({ kubeconfigPath: undefined, component: "podrole-try" });
  const log = createLog("podrole-try", "info", process.stdout);
  const listConfigurations = () => kubernetes.listAll<RegisteredConfiguration>("mutatingwebhookconfigurations");
  try {
    const options = { accessKeyId, secretAccessKey: new Secret(secretKey), port: 4566, host: "::" };
    return await runTrySts({ clock, log, interrupted, listConfigurations }, options);
  } finally {
    await kubernetes.close();
  }
}

async function runApp(): Promise<number> {
  const { runTryApp } = await import("./app.ts");
  await runTryApp(
    { clock, out: (text) => process.stdout.write(text), interrupted },
    Number(process.env["PORT"] ?? 8080),
  );
  return 0;
}

const PROGRAMS: Readonly<Record<string, () => Promise<number>>> = {
  sts: serveSts,
  app: runApp,
};

async function main(name: string | undefined): Promise<number> {
  const program = name === undefined || !Object.hasOwn(PROGRAMS, name) ? undefined : PROGRAMS[name];
  if (program !== undefined) return program();
  process.stderr.write(`Cannot run ${name ?? "nothing"}: it is no program of podrole-try; expected sts or app\n`);
  return 2;
}

main(process.argv[2]).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
