/** Which linear layers an adapter goes onto, by Hub name. */
import { modelError } from "../core/errors.ts";
import type { Linear } from "../nn/linear.ts";
import type { Leaf, ModuleTree } from "../nn/module.ts";
import { namedLeaves } from "../nn/module.ts";
import { type LinearShape, splitModule } from "./adapter.ts";

export interface Target {
  /** "model.layers.3.self_attn.q_proj" */
  readonly path: string;
  readonly block: number;
  readonly linear: Linear;
  replace(leaf: Leaf): void;
}

export interface TargetOptions {
  /** Leaf names or block-relative paths, of fused modules their parts too; null: every linear in the blocks. */
  readonly targetModules: readonly string[] | null;
  /** Only the last so many blocks; 0 or less: all. */
  readonly numLayers: number;
}

/**
 * The chosen linears inside the blocks, in the model's order.
 * Throws ModelError for a name that matches nothing, listing what exists, and for more blocks than there are.
 */
export function targetLayers(tree: ModuleTree, { targetModules, numLayers }: TargetOptions): Target[] {
  const all = blockLinears(tree);
  const blocks = 1 + Math.max(-1, ...all.map(({ block }) => block));
  if (numLayers > blocks) {
    throw modelError(
      `num-layers is ${numLayers}, the model has ${blocks} blocks`,
      `Use ${blocks} or less, or -1 for all.`,
    );
  }
  const first = numLayers > 0 ? blocks - numLayers : 0;
  const inReach = all.filter(({ block }) => block >= first);
  if (!targetModules) return inReach;
  const reaches = (name: string) => inReach.some((target) => matches(target, name));
  const names = targetModules.map((name) => (reaches(name) ? name : (FUSED[name] ?? name)));
  const unmatched = targetModules.filter((_, i) => !reaches(names[i]!));
  if (unmatched.length > 0 || targetModules.length === 0) {
    const known = [...new Set(all.map(({ path }) => splitModule(path).key))].join(", ");
    const which =
      unmatched.length > 0 ? `${unmatched.join(", ")} matches no linear layer` : "no target module was named";
    throw modelError(`target-modules: ${which}; this model has ${known}`, "Name them by leaf (q_proj) or by path.");
  }
  return inReach.filter((target) => names.some((name) => matches(target, name)));
}

/** Where a family has several projections in one module, naming one of them means that module. */
const FUSED: Readonly<Record<string, string>> = {
  ...{ q_proj: "qkv_proj", k_proj: "qkv_proj", v_proj: "qkv_proj" },
  ...{ gate_proj: "gate_up_proj", up_proj: "gate_up_proj" },
};

/** The shape of every linear inside the blocks by path: what an adapter must fit. */
export const linearShapes = (tree: ModuleTree): Map<string, LinearShape> =>
  new Map(
    blockLinears(tree).map(({ path, linear }) => [
      path,
      { in_features: linear.shape[1], out_features: linear.shape[0] },
    ]),
  );

/** The same of paths alone, for a model that is only described. Empty where a name matches nothing. */
export function targetPaths(paths: readonly string[], { targetModules, numLayers }: TargetOptions): string[] {
  const blockOf = (path: string) => splitModule(path).block ?? -1;
  const blocks = 1 + Math.max(-1, ...paths.map(blockOf));
  const inReach = paths.filter((path) => blockOf(path) >= (numLayers > 0 ? blocks - numLayers : 0));
  return inReach.filter((path) => targetModules?.some((name) => matches({ path }, name)) ?? true);
}

function blockLinears(tree: ModuleTree): Target[] {
  return namedLeaves(tree).flatMap(({ path, leaf, replace }) => {
    const { block } = splitModule(path);
    return leaf.kind === "linear" && block !== null ? [{ path, block, linear: leaf, replace }] : [];
  });
}

/** `name` is the whole path, or the last parts of the path below the block: "q_proj", "self_attn.q_proj". */
function matches({ path }: Pick<Target, "path">, name: string): boolean {
  return path === name || `.${splitModule(path).key}`.endsWith(`.${name}`);
}
