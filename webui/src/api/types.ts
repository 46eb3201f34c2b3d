/** The API's types under short names; schema.ts is generated from docs/reference/openapi.json. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Fleet = Schemas["Fleet"];
export type ModelBrief = Schemas["ModelBrief"];
export type ModelDetail = Schemas["ModelDetail"];
export type Versions = Schemas["Versions"];
export type Version = Schemas["Version"];
export type Runs = Schemas["Runs"];
export type JobEntry = Schemas["JobEntry"];
export type SlotEntry = Schemas["SlotEntry"];
export type LandingEntry = Schemas["LandingEntry"];
export type RolloutAnswer = Schemas["RolloutAnswer"];
export type Rollout = Schemas["Rollout"];
export type RolloutEvent = Schemas["RolloutEvent"];
export type Check = Schemas["Check"];
export type TrafficShare = Schemas["TrafficShare"];
export type OrderChoice = Schemas["OrderChoice"];
export type OrderTaken = Schemas["OrderTaken"];
export type Decisions = Schemas["Decisions"];
export type Decision = Schemas["Decision"];
export type Reason = Schemas["Reason"];
export type Chain = Schemas["Chain"];
export type ChainLink = Schemas["Link"];
export type ModelSchema = Schemas["ModelSchema"];
export type SchemaColumn = ModelSchema["columns"][number];
export type PredictResponse = Schemas["PredictResponse"];
export type Prediction = PredictResponse["predictions"][number];

/** A value of a row; null is missing. */
export type Cell = string | number | boolean | null;
export type Row = Record<string, Cell>;
