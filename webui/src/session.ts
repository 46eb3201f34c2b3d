/** What this tab remembers: the function key, until the tab is closed, and who gives orders. */

const KEY = "noon.function-key";
const WHO = "noon.who";

type Listener = () => void;
const listeners = new Set<Listener>();

/** The function key of this tab; empty until it was entered. It never leaves in an address. */
export function functionKey(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Remember the key for this tab, or forget it with an empty one. */
export function rememberKey(key: string): void {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

/** Be told of every change of the key; gives what ends that. */
export function onKeyChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Who gave the last order from this tab, so that the name is typed once. */
export function lastWho(): string {
  return sessionStorage.getItem(WHO) ?? "";
}

/** Remember who gave an order. */
export function rememberWho(who: string): void {
  sessionStorage.setItem(WHO, who);
}
