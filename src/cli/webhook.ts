import { crossCheck } from "../webhook/cross-check.ts";
import { startWebhook } from "../webhook/main.ts";
import { WEBHOOK_SETTINGS } from "../webhook/settings.ts";
import type { Action } from "./terminal.ts";
import { runProgram } from "./run-program.ts";

export const webhook: Action = (terminal, flags) =>
  runProgram(terminal, flags, { name: "webhook", table: WEBHOOK_SETTINGS, crossCheck, start: startWebhook });
