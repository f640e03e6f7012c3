/** What will train, as rows and columns: module paths of the model by layer and name. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { MemoryPlan } from "../../../worker/protocol.ts";

export interface LayerMap {
  readonly layers: number;
  /** Names of modules in a layer, in the model's order. */
  readonly modules: readonly string[];
  readonly state: (layer: number, module: string) => "trained" | "frozen" | "absent";
}

/** "model.layers.3.self_attn.q_proj" lies in layer 3 and is called q_proj. Paths outside of layers are left out. */
export function layerMap({ allModules, adaptedModules }: Pick<MemoryPlan, "allModules" | "adaptedModules">): LayerMap {
  const adapted = new Set(adaptedModules);
  const cells = new Map<string, "trained" | "frozen">();
  const modules: string[] = [];
  let layers = 0;
  for (const path of allModules) {
    const place = placeOf(path);
    if (!place) continue;
    layers = Math.max(layers, place.layer + 1);
    if (!modules.includes(place.name)) modules.push(place.name);
    cells.set(`${place.layer} ${place.name}`, adapted.has(path) ? "trained" : "frozen");
  }
  return { layers, modules, state: (layer, module) => cells.get(`${layer} ${module}`) ?? "absent" };
}

function placeOf(path: string): { layer: number; name: string } | null {
  const found = /\.(\d+)\.(?:.*\.)?([^.]+)$/.exec(path);
  return found ? { layer: Number(found[1]), name: found[2]! } : null;
}

/** "35 of 35 layers get an adapter; 70 tensors; 123,456 of 2,226,240 parameters." */
export function layerSummary({ layers, parameters }: MemoryPlan, total: number | null): string {
  const share = total === null ? formatCount(parameters) : `${formatCount(parameters)} of ${formatCount(total)}`;
  const attached = `${formatCount(layers.adapted)} of ${formatCount(layers.possible)} layers get an adapter`;
  return `${attached}; ${formatCount(2 * layers.adapted)} tensors; ${share} parameters.`;
}
