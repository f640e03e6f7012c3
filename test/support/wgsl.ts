/** Just enough reading of WGSL to hold a shader against its Kernel: params, bindings, and who uses them. */

export interface WgslBinding {
  readonly name: string;
  readonly group: number;
  readonly binding: number;
  readonly access: "read" | "read_write" | "uniform";
}

export interface WgslShader {
  /** Fields of `struct Params`, in order. */
  readonly params: readonly (readonly [name: string, type: string])[];
  readonly bindings: readonly WgslBinding[];
  readonly entries: readonly string[];
  /** Bindings that a function uses, itself or through what it calls. */
  uses(name: string): WgslBinding[];
}

export const withoutComments = (text: string): string => text.replace(/\/\/.*$/gm, "");

export function parseWgsl(text: string): WgslShader {
  const code = withoutComments(text);
  const fields = /struct Params\s*\{([^}]*)\}/.exec(code)?.[1] ?? "";
  const params = [...fields.matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, name, type]) => [name!, type!] as const);
  const declaration = /@group\((\d+)\) @binding\((\d+)\) var<(?:storage, )?(read_write|read|uniform)> (\w+)/g;
  const bindings = [...code.matchAll(declaration)].map(([, group, binding, access, name]) => ({
    name: name!,
    group: Number(group),
    binding: Number(binding),
    access: access as WgslBinding["access"],
  }));
  const bodies = new Map([...code.matchAll(/^fn (\w+)([\s\S]*?)^\}/gm)].map(([, name, body]) => [name!, body!]));
  const entries = [...code.matchAll(/@compute[\s\S]*?\bfn (\w+)/g)].map(([, name]) => name!);

  const uses = (name: string): WgslBinding[] => {
    const seen = new Set([name]);
    for (const each of seen) {
      for (const word of words(bodies.get(each) ?? "")) if (bodies.has(word)) seen.add(word);
    }
    const used = new Set([...seen].flatMap((each) => [...words(bodies.get(each) ?? "")]));
    return bindings.filter((binding) => used.has(binding.name));
  };
  return { params, bindings, entries, uses };
}

/** Identifiers that are not members (`.x`): a name after a dot is no binding. */
const words = (body: string): Set<string> =>
  new Set([...body.matchAll(/(?<![\w.])[A-Za-z_]\w*/g)].map(([word]) => word));
