/** Light or dark: the system's wish, unless somebody chose here. public/theme.js applies it first. */

export type Theme = "light" | "dark";

const NAME = "noon.theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** The theme that is shown. */
export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark.matches ? "dark" : "light";
}

/** Show the other theme from now on; one that the system wishes anyway is not remembered. */
export function switchTheme(): void {
  const next: Theme = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    if ((next === "dark") === dark.matches) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, next);
  } catch {
    // Storage is blocked: the choice lasts until the page is left.
  }
  document.dispatchEvent(new Event(CHANGED));
}

/** Call back whenever the theme changes, by choice or by the system; gives what ends that. */
export function onThemeChange(listener: () => void): () => void {
  document.addEventListener(CHANGED, listener);
  dark.addEventListener("change", listener);
  return () => {
    document.removeEventListener(CHANGED, listener);
    dark.removeEventListener("change", listener);
  };
}

const CHANGED = "noon-theme";
