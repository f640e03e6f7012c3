/** Shader text: hand-written WGSL from shaders/, put together by plain concatenation. */
import type { Kernel, Variant } from "./kernel.ts";

const files = import.meta.glob<string>("../../shaders/**/*.wgsl", { query: "?raw", import: "default", eager: true });

const sources = new Map(
  Object.entries(files).map(([path, text]) => [path.replace(/^.*\/shaders\//, "").replace(/\.wgsl$/, ""), text]),
);

/** Names of all shaders with entry points (shaders/lib holds pieces only). */
export const shaderStems = (): string[] => [...sources.keys()].filter((name) => !name.startsWith("lib/")).sort();

export function shaderText(name: string): string {
  const text = sources.get(name);
  if (text === undefined) throw new RangeError(`shaders/${name}.wgsl does not exist`);
  return text;
}

/** WGSL wants them before everything else. */
const ENABLE = /^(enable .*|diagnostic\(.*\));$/gm;

/** Language extensions (`enable …;`) and diagnostic filters of the pieces, a prelude of literals, the pieces, then the shader itself. */
export function assemble(kernel: Kernel, variant: Variant): string {
  const constants = kernel.constants.map((name) => {
    const value = variant.constants[name];
    if (value === undefined) throw new RangeError(`${kernel.stem}.${kernel.entry}: constant ${name} was not given`);
    return `const ${name} = ${value}u;`;
  });
  const pieces = variant.include.map((piece) => shaderText(`lib/${piece}`));
  const enables = pieces.flatMap((text) => text.match(ENABLE) ?? []);
  const bodies = pieces.map((text) => text.replace(ENABLE, ""));
  return [...enables, ...constants, ...bodies, shaderText(kernel.stem)].join("\n");
}
