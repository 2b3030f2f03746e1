// Pages that remedies lead to.
export const PAGE = {
  install: "[docs/install.md](install.md)",
  operate: "[docs/operate.md](operate.md)",
  rotate: "[docs/operate.md](operate.md#the-ca)",
  upgrade: "[docs/operate.md](operate.md#upgrade)",
  errors: "[docs/errors.md](errors.md)",
} as const;
