import { crossCheck } from "../server/cross-check.ts";
import { startServer } from "../server/main.ts";
import { SERVER_SETTINGS } from "../server/settings.ts";
import type { Action } from "./terminal.ts";
import { runProgram } from "./run-program.ts";

export const server: Action = (terminal, flags) =>
  runProgram(terminal, flags, { name: "server", table: SERVER_SETTINGS, crossCheck, start: startServer });
