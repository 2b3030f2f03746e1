// The long-running programs as commands. Each loads its own code only: a server has no use for the webhook in its
// memory.
import { SERVER_SETTINGS } from "../../settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../settings/webhook.ts";
import { runProgram } from "../run-program.ts";
import type { Action } from "../terminal.ts";

/** Runs podrole server until a signal stops it. */
export const serverAction: Action = async (terminal, flags) => {
  const { crossCheckServer: crossCheck } = await import("../../settings/cross-check.ts");
  const { startServer: start } = await import("../../server/main.ts");
  return runProgram(terminal, flags, { name: "server", table: SERVER_SETTINGS, crossCheck, start });
};

/** Runs podrole webhook until a signal stops it. */
export const webhookAction: Action = async (terminal, flags) => {
  const { crossCheckWebhook: crossCheck } = await import("../../settings/cross-check.ts");
  const { startWebhook: start } = await import("../../webhook/main.ts");
  return runProgram(terminal, flags, { name: "webhook", table: WEBHOOK_SETTINGS, crossCheck, start });
};

/** The sidecar's own command line, for development; the sidecar's image contains the sidecar alone. */
export const sidecarAction: Action = async (terminal, _flags, args) => {
  const { runSidecar } = await import("../../sidecar/modes.ts");
  return runSidecar(terminal, args);
};
