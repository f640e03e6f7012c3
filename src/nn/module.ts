/**
 * A model is a tree of plain objects and arrays whose leaves are modules. The path to a leaf is its Hub name
 * ("model.layers.0.self_attn.q_proj"), so loading, LoRA and merging are walks over the tree and need no tables.
 */
import type { Embedding } from "./embedding.ts";
import type { Linear } from "./linear.ts";
import type { RmsNorm } from "./norm.ts";

export type Leaf = Linear | Embedding | RmsNorm;
export type ModuleTree = { [name: string]: Leaf | ModuleTree | ModuleTree[] };

export interface NamedLeaf {
  /** Hub path without the tensor's own name. */
  readonly path: string;
  readonly leaf: Leaf;
  /** Puts another leaf in its place. */
  replace(leaf: Leaf): void;
}

function isLeaf(node: Leaf | ModuleTree | ModuleTree[]): node is Leaf {
  return "kind" in node && typeof node.kind === "string";
}

/** Every leaf of the tree with its path, in the order the model lists them. */
export function namedLeaves(tree: ModuleTree, prefix = ""): NamedLeaf[] {
  return Object.entries(tree).flatMap(([name, node]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    if (Array.isArray(node)) return node.flatMap((child, i) => namedLeaves(child, `${path}.${i}`));
    if (!isLeaf(node)) return namedLeaves(node, path);
    const replace = (leaf: Leaf): void => {
      tree[name] = leaf;
    };
    return [{ path, leaf: node, replace }];
  });
}
