// How reports write durations and counts, and how they count pods.

/** Formats milliseconds in the two largest units: "364 d 3 h", "59 min 10 s", "0 s". */
export function formatAge(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, size] of AGE_UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

const AGE_UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** "1 pod", "2 pods". */
export function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** Returns the number of pods in all groups together. */
export function podsIn(groups: readonly { readonly pods: number }[]): number {
  return groups.reduce((sum, { pods }) => sum + pods, 0);
}
