/** The whole page: where the API is, whether a key is there, and which page is shown. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Api } from "./api/client";
import { ApiContext } from "./api/context";
import { asProblem, Problem } from "./api/problem";
import type { Fleet } from "./api/types";
import { forgetAll, type Resource, useResource } from "./api/useResource";
import { Head } from "./components/Head";
import { KeyDialog } from "./components/KeyDialog";
import { Empty, Failure } from "./components/States";
import { loadConfig } from "./config";
import { PageOf } from "./PageOf";
import { useRoute } from "./router";
import type { Route } from "./routing";
import { Shell } from "./Shell";
import { functionKey, rememberKey } from "./session";

const FLEET_SECONDS = 15;

export function App() {
  const { api, problem } = useConfiguredApi();
  const [key, setKey] = useState(functionKey);
  const [refused, setRefused] = useState(false);
  const [asking, setAsking] = useState(!functionKey());
  const refuse = useCallback(() => {
    setRefused(true);
    setAsking(true);
  }, []);
  const context = useMemo(() => ({ api, key, refused: refuse }), [api, key, refuse]);
  const entered = (next: string) => {
    rememberKey(next);
    forgetAll();
    setRefused(false);
    setKey(next);
    setAsking(next === "");
  };
  return (
    <ApiContext.Provider value={context}>
      <Inside problem={problem} keyed={key !== ""} onAskKey={() => setAsking(true)} />
      {asking && !problem && (
        <KeyDialog
          refused={refused}
          known={key !== ""}
          onKey={entered}
          onClose={() => setAsking(false)}
        />
      )}
    </ApiContext.Provider>
  );
}

interface InsideProps {
  problem: Problem | undefined;
  keyed: boolean;
  onAskKey: () => void;
}

function Inside({ problem, keyed, onAskKey }: InsideProps) {
  const route = useRoute();
  const fleet = useResource<Fleet>("/models", FLEET_SECONDS);
  const names = fleet.content?.models.map((model) => model.name) ?? [];
  const model = route.model || (route.page === "models" ? "" : (names[0] ?? ""));
  useFocusOnMove(route);
  return (
    <Shell route={route} model={model || names[0] || ""} names={names} onAskKey={onAskKey}>
      {problem ? (
        <Failure problem={problem} onRetry={() => location.reload()} />
      ) : keyed ? (
        <Known fleet={fleet} route={route} model={model} />
      ) : (
        <NoKey onAskKey={onAskKey} />
      )}
    </Shell>
  );
}

function Known({ fleet, route, model }: { fleet: Resource<Fleet>; route: Route; model: string }) {
  const known = fleet.content?.models;
  if (known && model && !known.some((one) => one.name === model)) {
    const names = known.map((one) => one.name).join(", ") || "none";
    const detail = `There is no model ${model}; known are: ${names}.`;
    return <Failure problem={new Problem(404, "Unknown model", detail)} />;
  }
  if (!known && fleet.problem && !model)
    return <Failure problem={fleet.problem} onRetry={fleet.refresh} />;
  return <PageOf fleet={fleet} route={route} model={model} />;
}

function NoKey({ onAskKey }: { onAskKey: () => void }) {
  return (
    <>
      <Head title="Noon" about="Retrains at twelve and ships only what is better." />
      <Empty title="A function key is needed">
        <p>It opens models, rollouts, runs, decisions and predictions.</p>
        <button type="button" class="button primary" onClick={onAskKey}>
          Enter the key
        </button>
      </Empty>
    </>
  );
}

function useConfiguredApi(): { api: Api | undefined; problem: Problem | undefined } {
  const [api, setApi] = useState<Api>();
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    loadConfig().then(
      (config) => setApi(new Api(config.apiUrl)),
      (error) => {
        const { message } = asProblem(error);
        setProblem(new Problem(0, "The page is not configured", message));
      },
    );
  }, []);
  return { api, problem };
}

/** After moving to another page the heading has the focus, as after loading one. */
function useFocusOnMove(route: Route): void {
  const first = useRef(true);
  const place = `${route.page}/${route.model}/${route.query.get("why") ?? ""}`;
  useEffect(() => {
    if (!first.current) {
      window.scrollTo(0, 0);
      document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [place]);
}
