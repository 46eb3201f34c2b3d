/** One model: its champion, what is under way, and everything that the gate judged. */

import type { ModelDetail, Versions } from "../../api/types";
import { useResource } from "../../api/useResource";
import { Head } from "../../components/Head";
import { Failure, Skeleton } from "../../components/States";
import { ChampionCard, DataCard, NowCard } from "./ModelCards";
import { PolicyCard } from "./PolicyCard";
import { VersionsCards } from "./VersionsCards";

const MODEL_SECONDS = 10;
const VERSIONS_SECONDS = 30;

export function ModelPage({ model }: { model: string }) {
  const path = `/models/${encodeURIComponent(model)}`;
  const detail = useResource<ModelDetail>(path, MODEL_SECONDS);
  const versions = useResource<Versions>(`${path}/versions`, VERSIONS_SECONDS);
  const shown = detail.content;
  return (
    <>
      <Head title={model} about={shown?.title ?? "\u00a0"} resource={detail} />
      {detail.problem && <Failure problem={detail.problem} onRetry={detail.refresh} />}
      {shown ? (
        <div class="cards three">
          <ChampionCard model={shown} />
          <NowCard model={shown} />
          <DataCard model={shown} />
        </div>
      ) : (
        !detail.problem && (
          <div class="cards three">
            {["champion", "now", "data"].map((name) => (
              <section class="card model-card" key={name}>
                <Skeleton lines={6} />
              </section>
            ))}
          </div>
        )
      )}
      {/* Only below what is read already, so that it never moves. */}
      {shown && <VersionsCards resource={versions} />}
      {shown && versions.content && <PolicyCard model={shown} />}
    </>
  );
}
