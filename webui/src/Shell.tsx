/** What stands around every page: the mark, the models, the pages, key and theme. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName, Mark } from "./components/Icon";
import { go, Link } from "./router";
import { href, PAGES, type PageName, type Route } from "./routing";
import { onThemeChange, switchTheme, theme } from "./theme";

const TITLES: Record<PageName, string> = {
  models: "Models",
  rollout: "Rollout",
  runs: "Runs",
  decisions: "Decisions",
  predict: "Predict",
};

interface ShellProps {
  route: Route;
  model: string;
  names: readonly string[];
  onAskKey: () => void;
  children: ComponentChildren;
}

export function Shell({ route, model, names, onAskKey, children }: ShellProps) {
  useEffect(() => {
    const where = route.model ? `${route.model} · ` : "";
    document.title = `${where}${TITLES[route.page]} · Noon`;
  }, [route.page, route.model]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <Link href="/models" class="brand" label="Noon, all models">
          <Mark />
          <span>Noon</span>
        </Link>
        <ModelPicker route={route} model={model} names={names} />
        <nav class="nav" aria-label="Pages">
          {PAGES.map((page) => (
            <Link key={page} href={href(page, model)} current={route.page === page}>
              <Icon name={page as IconName} />
              <span>{TITLES[page]}</span>
            </Link>
          ))}
        </nav>
        <div class="bar-side">
          <button type="button" class="button quiet tool" onClick={onAskKey}>
            <Icon name="key" />
            <span>Key</span>
          </button>
          <ThemeSwitch />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function ModelPicker({ route, model, names }: Omit<ShellProps, "onAskKey" | "children">) {
  const page = route.page;
  const shown = page === "models" && !route.model ? "" : model;
  return (
    <label class="picker">
      <span class="picker-name">Model</span>
      <select
        value={shown}
        onChange={(event) => go(href(page, event.currentTarget.value))}
        disabled={names.length === 0}
      >
        {(page === "models" || names.length === 0) && (
          <option value="">{names.length ? "All models" : "…"}</option>
        )}
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function ThemeSwitch() {
  const [shown, setShown] = useState(theme);
  useEffect(() => onThemeChange(() => setShown(theme())), []);
  const other = shown === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      class="button quiet tool"
      onClick={switchTheme}
      aria-label={`Show the ${other} theme`}
    >
      <Icon name={other === "dark" ? "moon" : "sun"} />
      <span>{other === "dark" ? "Dark" : "Light"}</span>
    </button>
  );
}
