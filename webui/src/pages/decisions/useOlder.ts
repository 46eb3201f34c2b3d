/** The log further back: the newest page stays fresh, older ones are added on demand. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useApi } from "../../api/context";
import type { Decision, Decisions } from "../../api/types";
import { decisionsPath, joined } from "./filter";

export interface Older {
  readonly all: readonly Decision[];
  readonly more: boolean;
  readonly loading: boolean;
  readonly load: () => void;
}

/** Everything that was read of the log, and a way to read more. */
export function useOlder(model: string, kind: string, newest: Decisions | undefined): Older {
  const { api } = useApi();
  const seen = useRef<readonly Decision[]>([]);
  const [cursor, setCursor] = useState<string | null>();
  const [loading, setLoading] = useState(false);
  const [turn, setTurn] = useState(0);

  // What has left the newest page stays in the list.
  const all = useMemo(() => {
    seen.current = joined(newest?.decisions ?? [], seen.current);
    return seen.current;
  }, [newest, turn]);
  useEffect(() => {
    if (newest && cursor === undefined) setCursor(newest.older);
  }, [newest, cursor]);

  const load = useCallback(async () => {
    if (!api || !cursor) return;
    setLoading(true);
    try {
      const { content } = await api.get<Decisions>(decisionsPath(model, kind, cursor));
      seen.current = joined(seen.current, content.decisions);
      setCursor(content.older);
      setTurn((before) => before + 1);
    } finally {
      setLoading(false);
    }
  }, [api, cursor, model, kind]);
  return { all, more: Boolean(cursor), loading, load };
}
