// Light or dark: the system's choice until the reader makes another one.

export type Theme = "light" | "dark";

const KEY = "podrole-theme";

/** Returns the reader's choice; undefined if there is none, or the browser stores nothing. */
export function readTheme(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the choice for the next page where the browser allows it. */
export function keepTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The choice then lasts for this page.
  }
}

/** Draws the page in the theme; undefined: in the system's. */
export function applyTheme(theme: Theme | undefined): void {
  if (theme !== undefined) document.documentElement.dataset.theme = theme;
}

/** Returns the theme that the page has now. */
export function shownTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
