/** Which component shows which page. */

import type { Fleet } from "./api/types";
import type { Resource } from "./api/useResource";
import { DecisionsPage } from "./pages/decisions/DecisionsPage";
import { FleetPage } from "./pages/models/FleetPage";
import { ModelPage } from "./pages/models/ModelPage";
import { PredictPage } from "./pages/predict/PredictPage";
import { RolloutPage } from "./pages/rollout/RolloutPage";
import { RunsPage } from "./pages/runs/RunsPage";
import type { Route } from "./routing";

interface PageProps {
  fleet: Resource<Fleet>;
  route: Route;
  model: string;
}

export function PageOf({ fleet, route, model }: PageProps) {
  // A key for each model: what was typed for one is not shown for another.
  switch (route.page) {
    case "models":
      return model ? <ModelPage key={model} model={model} /> : <FleetPage fleet={fleet} />;
    case "rollout":
      return <RolloutPage key={model} model={model} />;
    case "runs":
      return <RunsPage key={model} model={model} />;
    case "decisions":
      return <DecisionsPage key={model} model={model} query={route.query} />;
    case "predict":
      return <PredictPage key={model} model={model} />;
  }
}
