// Amounts of resources: "100m", "64Mi", "1.5", "2e3".
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/)

const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]?))$/;

export function isQuantity(text: unknown): boolean {
  return (typeof text === "string" || typeof text === "number") && QUANTITY.test(String(text));
}

/** In base units: cores, bytes. Throws RangeError for what is no quantity. */
export function parseQuantity(text: string | number): number {
  const [, digits = "", exponent = "", suffix = ""] = QUANTITY.exec(String(text)) ?? [];
  if (digits === "") throw new RangeError(`${JSON.stringify(text)} is no quantity`);
  return Number(`${digits}${exponent}`) * (SUFFIXES[suffix] ?? 1);
}
