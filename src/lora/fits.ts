/** Whether an adapter belongs to a model, told in full before anything is put on it. */

import { Problems } from "../core/errors.ts";
import { type Adapter, type LinearShape, splitModule } from "./adapter.ts";

/**
 * Checks an adapter against the linears of a model (Hub module path → shape).
 * @param name begins the message, where there are several.
 * @throws ModelError listing every misfit with what was expected and found.
 */
export function checkAdapterFits(adapter: Adapter, linears: ReadonlyMap<string, LinearShape>, name = "adapter"): void {
  const problems = new Problems();
  for (const { module, in_features, out_features } of adapter.factors) {
    const linear = linears.get(module);
    if (linear === undefined) {
      problems.add(`${module}: the model has no such linear`);
    } else if (linear.in_features !== in_features || linear.out_features !== out_features) {
      const expected = `${linear.in_features} → ${linear.out_features}`;
      problems.add(`${module}: expected ${expected} (in → out) from the model, got ${in_features} → ${out_features}`);
    }
  }
  const trained = adapter.base_model === undefined ? "" : ` It was trained on ${adapter.base_model}.`;
  problems.throwIfAny("model", `${name} does not fit the model`, `${describeLinears(linears)}${trained}`);
}

/** "The model has blocks 0 to 27 with mlp.down_proj, …; and lm_head." */
function describeLinears(linears: ReadonlyMap<string, LinearShape>): string {
  const parts = [...linears.keys()].map(splitModule);
  const blocks = parts.flatMap(({ block }) => block ?? []);
  const inside = [...new Set(parts.filter(({ block }) => block !== null).map(({ key }) => key))].sort();
  const outside = parts.filter(({ block }) => block === null).map(({ key }) => key);
  const sentences = [
    ...(blocks.length > 0 ? [`blocks 0 to ${Math.max(...blocks)} with ${inside.join(", ")}`] : []),
    ...(outside.length > 0 ? [outside.join(", ")] : []),
  ];
  return `The model has ${sentences.join("; and ") || "no linears"}.`;
}
