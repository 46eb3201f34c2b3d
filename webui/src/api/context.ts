/** The API and the state of its key, for every component. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Api } from "./client";

export interface ApiContext {
  /** Undefined until config.json was read. */
  readonly api: Api | undefined;
  /** A key was entered. */
  readonly keyed: boolean;
  /** The API refused the key: ask for another one. */
  readonly refused: () => void;
}

export const ApiContext = createContext<ApiContext>({
  api: undefined,
  keyed: false,
  refused: () => {},
});

/** The API of this page. */
export function useApi(): ApiContext {
  return useContext(ApiContext);
}
