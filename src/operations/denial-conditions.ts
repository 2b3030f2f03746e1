// When each step after a denial applies whose reason STS does not say: the beginning of the step's purpose, by which
// the page of podrole ui arranges the steps too. Pure, and free of other code.

/** What the looks at the role have shown. */
export type DenialCondition =
  | "missing"
  | "exists"
  | "path"
  | "none"
  | "external"
  | "other"
  | "allowed"
  | "account"
  | "itself";

/** Condition → the beginning of a purpose. */
export const DENIAL_CONDITIONS: Readonly<Record<DenialCondition, string>> = {
  missing: "only if that ends with NoSuchEntity, ",
  exists: "only if the role exists, ",
  path: "only if the ARN is another one than the cause names, because the role has a path, ",
  none: "only if nothing but the ARN is printed, ",
  external: "only if a printed Allow has a condition on sts:ExternalId, ",
  other: "only if a Deny, or an Allow with a condition on something else, is printed, ",
  allowed: "only if an Allow without a condition is printed, and no Deny, ",
  // Within one account, a trust policy that names the server itself needs no policy of the server beside it.
  account: "only if an Allow for the account or for all, without a condition, is printed, and no Deny, ",
  itself: "only if an Allow for the server itself, without a condition, is printed, and no Deny, ",
};
