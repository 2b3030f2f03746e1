// How tables and figures write large numbers.

/** 20000 → "20 000" */
export function groupedNumber(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, " ");
}
