/** The adapter in a checkpoint, without a GPU and without the model's weights: its config alone says how factors lie. */
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { DryDevice } from "../gpu/dry-run.ts";
import type { Adapter } from "../lora/adapter.ts";
import { adapterOf, attachLora } from "../lora/attach.ts";
import { linearShapes } from "../lora/targets.ts";
import { buildModel } from "../models/registry.ts";
import { checkpointFactors } from "./checkpoint.ts";

const UNLIMITED = { maxBinding: Number.MAX_SAFE_INTEGER, maxBuffer: Number.MAX_SAFE_INTEGER };

/** As it stood when the checkpoint was written. Throws ModelError when it is not of this model. */
export async function checkpointAdapter(name: string, bytes: Uint8Array, model: ModelConfig): Promise<Adapter> {
  const { identity, parameters } = await checkpointFactors(name, bytes);
  const { config, modules } = identity;
  const foreign = () =>
    modelError(`${name}: the checkpoint is of another model`, "Name the model that it was trained on.");
  const { tree } = buildModel(model, name);
  const shapes = linearShapes(tree);
  if (!modules.every((module) => shapes.has(module))) throw foreign();
  const options = { ...config, targetModules: modules, numLayers: 0, seed: null, trainable: false };
  const attached = await attachLora(tree, new DryDevice(UNLIMITED), options);
  if (attached.parameters.shape[0] !== parameters.length) throw foreign();
  return adapterOf(attached, model, parameters);
}
