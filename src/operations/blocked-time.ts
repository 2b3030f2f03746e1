// How long a workload counts as blocked after its last failed attempt. Pure, and free of other code: the page of
// podrole ui has it too.

/** Time after which the Event of a workload that cannot create its pods is repeated: at most 17 min, by back-off. */
export const BLOCKED_MS = 20 * 60_000;
