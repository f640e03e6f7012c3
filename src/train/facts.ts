/** What a loaded model is, in numbers: for the lines before a run and for its record. */
import { elementCount } from "../core/dtype.ts";
import { ELEMENT_BYTES } from "../gpu/tensor.ts";
import { storedRowBytes, type WeightElement } from "../gpu/weight-element.ts";
import type { CausalLM } from "../models/model.ts";
import { namedLeaves } from "../nn/module.ts";

export interface ModelFacts {
  /** model_type */
  readonly family: string;
  readonly blocks: number;
  /** Tied matrices count once. */
  readonly parameters: number;
  /** Element type of most of the matrices. */
  readonly element: WeightElement;
  /** Of the weights on the device: matrices as stored, vectors as f32. */
  readonly bytes: number;
}

export function modelFacts({ config, tree }: CausalLM): ModelFacts {
  const matrices = new Map<WeightElement, number>();
  let [parameters, bytes] = [0, 0];
  for (const { leaf } of namedLeaves(tree)) {
    const count = elementCount(leaf.shape);
    const bias = leaf.kind === "linear" && leaf.hasBias ? leaf.shape[0] : 0;
    const element = leaf.kind === "rmsnorm" ? "f32" : (leaf.weight?.element ?? "f32");
    if (leaf.kind !== "rmsnorm") matrices.set(element, (matrices.get(element) ?? 0) + count);
    parameters += count + bias;
    const [rows, columns = 1] = leaf.shape;
    bytes += rows * storedRowBytes(element, columns) + bias * ELEMENT_BYTES.f32;
  }
  const [element = "f32"] = [...matrices].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return { family: config.model_type, blocks: config.num_hidden_layers, parameters, element, bytes };
}
