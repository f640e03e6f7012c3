/** Which base an adapter belongs to. */
import type { ModelChoice } from "./states.ts";

/** The same for every commit of a model, and however its weights are coded while it loads. */
export const baseOf = (model: ModelChoice): string =>
  model.kind === "demo" ? "demo" : `${model.kind} ${model.kind === "hub" ? model.id : model.name}`;
