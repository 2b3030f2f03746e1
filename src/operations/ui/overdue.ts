// Whether a container's renewal should have come by now. Pure, and free of other code: the page of podrole ui has it
// too.

/** Sidecars renew at half of a lifetime, and repeat a renewal that failed: after this part, one is missing. */
const OVERDUE_PART = 0.75;

/** Reports whether no renewal has come for so long that one is missing at `now` (Unix milliseconds). */
export function isRenewalOverdue(
  { renewed, expires }: { readonly renewed: string | undefined; readonly expires: string | undefined },
  now: number,
): boolean {
  if (renewed === undefined || expires === undefined) return false;
  const [from, to] = [Date.parse(renewed), Date.parse(expires)];
  return now > from + OVERDUE_PART * (to - from);
}
