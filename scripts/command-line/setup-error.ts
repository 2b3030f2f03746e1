/** What a script or suite needs is missing or cannot be made ready; the message says what to do. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}
