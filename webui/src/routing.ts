/** Addresses of the page: /{page}/{model}?filter. Keys and rows never stand in one. */

export const PAGES = ["models", "rollout", "runs", "decisions", "predict"] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  readonly page: PageName;
  /** Empty: none was chosen yet. */
  readonly model: string;
  readonly query: URLSearchParams;
}

/** What an address means; one that means nothing is the first page. */
export function parseRoute(path: string, search = ""): Route {
  const [page = "", model = ""] = path.split("/").filter(Boolean);
  return {
    page: PAGES.find((known) => known === page) ?? "models",
    model: decoded(model),
    query: new URLSearchParams(search),
  };
}

/** The address of a page. */
export function href(page: PageName, model = "", query: Record<string, string> = {}): string {
  const search = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== ""),
  ).toString();
  const path = model ? `/${page}/${encodeURIComponent(model)}` : `/${page}`;
  return search ? `${path}?${search}` : path;
}

/** The address at which a chain is told. */
export function whyHref(model: string, id: string): string {
  return href("decisions", model, { why: id });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
