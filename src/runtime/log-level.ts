// Levels of every log, apart from the logger, so that the sidecar can read settings without loading it.
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
