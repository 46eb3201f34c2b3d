/** The orders that an operator can give, in words. */

import type { OrderChoice } from "../../api/types";

export type Verb = OrderChoice["verb"];

export interface OrderWords {
  readonly title: string;
  /** What happens, for the dialog. */
  readonly effect: string;
  readonly dangerous: boolean;
}

export const ORDERS: Record<Verb, OrderWords> = {
  train: {
    title: "Train",
    effect: "A training on the data that is there now begins, when none runs.",
    dangerous: false,
  },
  pause: {
    title: "Pause",
    effect: "The rollout stays where it is. The canary is still watched: a sick one comes back.",
    dangerous: false,
  },
  resume: {
    title: "Resume",
    effect: "The paused rollout goes on; its step soaks anew.",
    dangerous: false,
  },
  proceed: {
    title: "Proceed",
    effect:
      "The champion is sick and no measure: for this rollout the canary is judged by itself, and a canary that fails still comes back.",
    dangerous: false,
  },
  accept: {
    title: "Accept",
    effect:
      "The next challenger that can be judged is not compared with this champion, once; every other rule stays.",
    dangerous: false,
  },
  abort: {
    title: "Abort",
    effect: "The rollout ends; all traffic goes to the champion.",
    dangerous: true,
  },
  rollback: {
    title: "Roll back",
    effect:
      "All traffic goes to the champion; without a rollout, to the former champion: at once while its deployment is warm.",
    dangerous: true,
  },
};

/** Where an order is sent. */
export function orderPath(model: string, verb: Verb): string {
  const path = `/models/${encodeURIComponent(model)}`;
  return verb === "train" ? `${path}/train` : `${path}/rollout/${verb}`;
}

/** Whose key opens it: each is the key of one function, never the app's master key. */
export function keyOf(verb: Verb): "train" | "rollout" {
  return verb === "train" ? "train" : "rollout";
}
