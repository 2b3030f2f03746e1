// When a command cannot go on: the API server gave no answer at all, or does not know the person.
import { ApiError } from "../kubernetes/errors.ts";

export function isApiUnreachable(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 401);
}
