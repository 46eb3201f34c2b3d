/** Whether callers get their answers. */

import type { ModelBrief } from "../../api/types";
import { Badge, type Tone } from "../../components/Badge";

type State = ModelBrief["health"]["state"];

const TONES: Record<State, Tone> = {
  healthy: "good",
  failing: "bad",
  no_data: "plain",
  no_champion: "plain",
};

const WORDS: Record<State, string> = {
  healthy: "healthy",
  failing: "failing",
  no_data: "nobody asked",
  no_champion: "no champion",
};

export function HealthBadge({ state }: { state: State }) {
  return <Badge code={WORDS[state]} tone={TONES[state]} />;
}
