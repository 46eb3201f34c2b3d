/** The chain behind an id: the picture, and every link in words with its numbers. */

import { Fragment } from "preact";
import type { Chain, ChainLink } from "../../api/types";
import { useResource } from "../../api/useResource";
import { Badge } from "../../components/Badge";
import { Head } from "../../components/Head";
import { Empty, Failure, Skeleton } from "../../components/States";
import { instant, inUtc, words } from "../../format";
import { Link } from "../../router";
import { href, whyHref } from "../../routing";
import { ChainPicture } from "./ChainPicture";
import { toneOfLink } from "./chain";
import { WhyForm } from "./WhyForm";

const WHY_SECONDS = 20;

export function WhyView({ model, id }: { model: string; id: string }) {
  const path = `/why/${id.split("/").map(encodeURIComponent).join("/")}?model=${encodeURIComponent(model)}`;
  const resource = useResource<Chain>(path, WHY_SECONDS);
  const { content, problem, refresh } = resource;
  return (
    <>
      <Head
        title="Why"
        about={
          <>
            {content ? `${content.what} ` : ""}
            <code>{id}</code>
          </>
        }
        resource={resource}
      >
        <Link href={href("decisions", model)} class="button small">
          All decisions
        </Link>
      </Head>
      <WhyForm model={model} />
      {problem ? (
        <WhyProblem status={problem.status}>
          <Failure problem={problem} onRetry={refresh} />
        </WhyProblem>
      ) : content ? (
        <Told chain={content} />
      ) : (
        // How high the picture becomes is not known yet: nothing stands below it before.
        <section class="card">
          <Skeleton lines={6} tall />
        </section>
      )}
    </>
  );
}

function WhyProblem({ status, children }: { status: number; children: preact.ComponentChildren }) {
  return (
    <section class="card">
      {children}
      {(status === 404 || status === 400) && (
        <Empty title="Which ids are known">
          A job, a model version as <code>flights:3</code>, a deployment as <code>v3-e1</code>, the
          request id of a prediction, a landed file, a slot as <code>20261123t1200</code>, an order.
        </Empty>
      )}
    </section>
  );
}

function Told({ chain }: { chain: Chain }) {
  return (
    <>
      <section class="card">
        <h2 class="visually-hidden">The chain as a picture</h2>
        <ChainPicture chain={chain} />
      </section>
      <section class="card">
        <div class="card-head">
          <h2>The chain in words</h2>
          <p class="muted small">oldest first</p>
        </div>
        <ol class="log chain">
          {chain.links.map((link, index) => (
            <LinkItem key={index} link={link} id={`link-${index}`} />
          ))}
        </ol>
      </section>
    </>
  );
}

function LinkItem({ link, id }: { link: ChainLink; id: string }) {
  const facts = Object.entries(link.facts).filter(([, value]) => value !== null && value !== "");
  return (
    <li id={id} tabIndex={-1}>
      <time class="muted small number" dateTime={link.at} title={inUtc(link.at)}>
        {instant(link.at)}
      </time>
      <span class="log-kind">
        <Badge code={link.kind} tone={toneOfLink(link)} />
      </span>
      <div class="log-words">
        <p>
          <strong>{link.what}</strong>
        </p>
        {link.reasons.map((reason) => (
          <p key={reason.code}>{reason.text}</p>
        ))}
        {facts.length > 0 && (
          <details>
            <summary class="small">Numbers</summary>
            <dl class="facts small">
              {facts.map(([name, value]) => (
                <Fragment key={name}>
                  <dt>{words(name)}</dt>
                  <dd>
                    {typeof value === "string" ? value : <code>{JSON.stringify(value)}</code>}
                  </dd>
                </Fragment>
              ))}
            </dl>
          </details>
        )}
      </div>
    </li>
  );
}

/** An id of `about` as a link to its chain; what is no id is told as it is. */
export function AboutLink({ about, model }: { about: string; model: string }) {
  const [kind = "", ...rest] = about.split(":");
  const id = rest.join(":");
  const known = ["job", "version", "deployment", "slot", "order"].includes(kind);
  if (!id || !known) return <code>{about}</code>;
  return (
    <Link href={whyHref(model, kind === "version" ? `${model}:${id}` : id)} class="mono">
      {kind} {id}
    </Link>
  );
}
