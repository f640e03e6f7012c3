/**
 * Where the frozen tensors of a model lie on the device. Layers that share their input (q, k, v; gate, up) lie one behind
 * another in one storage, so that they are one product; each keeps its own name and its own view.
 */
import type { Device } from "../gpu/device.ts";
import { ALIGNMENT, type Tensor, tensorBytes } from "../gpu/tensor.ts";
import { allocateWeight, type WeightElement } from "../gpu/weight.ts";
import { storedRow, storedRowBytes } from "../gpu/weight-element.ts";
import type { Linear } from "../nn/linear.ts";
import { type ModuleTree, namedLeaves } from "../nn/module.ts";

interface NamedLinear {
  readonly path: string;
  readonly leaf: Linear;
  readonly element: WeightElement;
}

/** Gives every module its storage, zero-filled. `elementOf`: how the weight of this path is stored. */
export function placeWeights(tree: ModuleTree, device: Device, elementOf: (path: string) => WeightElement): void {
  const groups = new Map<string, NamedLinear[]>();
  for (const { path, leaf } of namedLeaves(tree)) {
    if (leaf.kind === "rmsnorm") leaf.weight = device.allocate(leaf.shape, path);
    else if (leaf.kind === "embedding") leaf.weight = allocateWeight(device, leaf.shape, elementOf(path), path);
    else {
      const parent = path.slice(0, path.lastIndexOf("."));
      const key = leaf.group === null ? path : `${parent} ${leaf.group}`;
      groups.set(key, [...(groups.get(key) ?? []), { path, leaf, element: elementOf(path) }]);
    }
  }
  for (const group of groups.values()) {
    if (!placeTogether(group, device)) for (const own of group) placeAlone(own, device);
  }
}

function placeAlone({ path, leaf, element }: NamedLinear, device: Device): void {
  leaf.weight = allocateWeight(device, leaf.shape, element, path);
  if (leaf.hasBias) leaf.bias = device.allocate([leaf.shape[0]], `${path}.bias`);
}

/** False where members are stored unlike, would not start on bindable offsets, or are too large for one binding. */
function placeTogether(group: readonly NamedLinear[], device: Device): boolean {
  const [first, ...rest] = group as [NamedLinear, ...NamedLinear[]];
  const { element, leaf } = first;
  const rows = group.reduce((sum, own) => sum + own.leaf.shape[0], 0);
  const stored = storedRow(element, leaf.shape[1]);
  const rowBytes = storedRowBytes(element, leaf.shape[1]);
  const bytes = rows * rowBytes;
  const alike = rest.every((own) => own.element === element && own.leaf.hasBias === leaf.hasBias);
  // The last one's end need not be aligned.
  const aligned = group.slice(0, -1).every((own) => {
    return (
      (own.leaf.shape[0] * rowBytes) % ALIGNMENT === 0 && (!leaf.hasBias || (own.leaf.shape[0] * 4) % ALIGNMENT === 0)
    );
  });
  if (rest.length === 0 || !alike || !aligned || bytes > device.limits.maxBinding) return false;
  const label = group.map(({ path }) => path).join(" + ");
  const weights = device.allocate([rows, stored.columns], label, stored.element);
  const biases = leaf.hasBias ? device.allocate([rows], `${label}: biases`) : null;
  let row = 0;
  for (const own of group) {
    const [count, columns] = own.leaf.shape;
    const tensor = part(weights, row, [count, stored.columns]);
    own.leaf.weight = { shape: [count, columns], element, shards: [{ tensor, begin: 0, rows: count }] };
    if (biases) own.leaf.bias = part(biases, row, [count]);
    row += count;
  }
  return true;
}

/** The view of this shape that begins at `row`. */
function part(whole: Tensor, row: number, shape: readonly number[]): Tensor {
  const { storage, element } = whole;
  return { storage, offset: row * tensorBytes({ shape: [1, ...shape.slice(1)], element }), shape, element };
}
