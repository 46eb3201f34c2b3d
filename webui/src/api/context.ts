/** The API and the state of its key, for every component. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Api } from "./client";

export interface ApiContext {
  /** Undefined until config.json was read. */
  readonly api: Api | undefined;
  /** Of callers; empty until it was entered. Another one reads everything anew, at once. */
  readonly key: string;
  /** The API refused the key: ask for another one. */
  readonly refused: () => void;
}

export const ApiContext = createContext<ApiContext>({
  api: undefined,
  key: "",
  refused: () => {},
});

/** The API of this page. */
export function useApi(): ApiContext {
  return useContext(ApiContext);
}
