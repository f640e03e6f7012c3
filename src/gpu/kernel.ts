/**
 * A kernel is data: which entry point of which shader, what it binds, how its grid follows from its sizes. From it
 * come the explicit bind-group layout (inputs, then outputs, in group 0; params alone in group 1), the params writer
 * and the label. Never `layout: "auto"`: one table decides which bindings are read-only.
 */

export type Sizes = Readonly<Record<string, number>>;

/** [x, y, z] workgroups. */
export type Grid = readonly [number, number, number];

export interface Kernel {
  /** File name under shaders/ without its ending. */
  readonly stem: string;
  readonly entry: string;
  /** Names of the read-only bindings, in binding order. */
  readonly inputs: readonly string[];
  /** Names of the read-write bindings, following the inputs. */
  readonly outputs: readonly string[];
  /** Run-time scalars: the fields of the shader's `struct Params`, in order. */
  readonly params: Readonly<Record<string, "u32" | "f32">>;
  /** Names of the literals written into the prelude; shared by all entry points of one shader. */
  readonly constants: readonly string[];
  /** Shader pieces from shaders/lib put in front, e.g. `weight-bf16`; may be replaced per dispatch. */
  readonly include?: readonly string[];
  grid(sizes: Sizes): Grid;
  /** Other ways to the same result; a device may choose one of them for every dispatch that it suits. */
  readonly forms?: readonly Form[];
  /** Floating-point operations of one dispatch; 0 for kernels that only move bytes. */
  flops?(sizes: Sizes): number;
}

/** Another way of a kernel to its result: the same entry point, bindings and params with other literals, pieces or text. */
export interface Form {
  readonly name: string;
  /** Least and largest size of the subgroups it can do with; null: it needs none. */
  readonly subgroup: readonly [least: number, most: number] | null;
  /** Needs matrix units and subgroups of exactly so many invocations; 0: neither. */
  readonly units: number;
  readonly constants: Sizes;
  /** Piece by piece, what takes its place. */
  readonly pieces: Readonly<Record<string, readonly string[]>>;
  /** The file under shaders/ that has the entry point instead. */
  readonly shader?: string;
  /** Whether it suits a dispatch of these sizes. */
  suits(sizes: Sizes): boolean;
}

/** Most workgroups WebGPU allows along one dimension. */
export const MAX_GRID = 65535;

/** A one-dimensional grid, spilled into y past 65,535 workgroups; the shader rebuilds the index and checks it. */
export function grid1d(workgroups: number): Grid {
  if (workgroups <= MAX_GRID) return [Math.max(1, workgroups), 1, 1];
  const y = Math.ceil(workgroups / MAX_GRID);
  return [Math.ceil(workgroups / y), y, 1];
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** How a dispatch varies the kernel: literals, included pieces. Two dispatches with equal variants share a pipeline. */
export interface Variant {
  readonly constants: Sizes;
  readonly include: readonly string[];
}

export function variantKey(kernel: Kernel, variant: Variant): string {
  const constants = kernel.constants.map((name) => `${name}=${variant.constants[name]}`).join(",");
  return `${kernel.stem}.${kernel.entry}(${constants})+${variant.include.join("+")}`;
}

/** 256 bytes hold every kernel's params; one slot per dispatch, chosen by a dynamic offset. */
export const PARAMS_SLOT = 256;

/** Writes the params of one dispatch at `offset` bytes of `view`, each scalar in 4 bytes, little-endian. */
export function writeParams(kernel: Kernel, params: Sizes, view: DataView, offset: number): void {
  let at = offset;
  for (const [name, type] of Object.entries(kernel.params)) {
    const value = params[name];
    if (value === undefined) throw new RangeError(`${kernel.stem}.${kernel.entry}: param "${name}" was not given`);
    if (type === "f32") view.setFloat32(at, value, true);
    else view.setUint32(at, value, true);
    at += 4;
  }
}

/** What of a device decides which forms it can run. */
export interface Abilities {
  /** Least and largest size of its subgroups; null: there are none. */
  readonly subgroup: readonly [least: number, most: number] | null;
  /** Size of the subgroups that have matrix units; 0: there are none. */
  readonly units: number;
}

export function canRun(form: Form, { subgroup, units }: Abilities): boolean {
  if (form.units > 0 && form.units !== units) return false;
  return !form.subgroup || (subgroup !== null && form.subgroup[0] <= subgroup[0] && subgroup[1] <= form.subgroup[1]);
}

/** A kernel and its variant in this form. */
export function inForm(
  kernel: Kernel,
  { constants, include }: Variant,
  form: Form,
): { kernel: Kernel; variant: Variant } {
  const pieces = include.flatMap((piece) => form.pieces[piece] ?? [piece]);
  const stem = form.shader ?? kernel.stem;
  return { kernel: { ...kernel, stem }, variant: { constants: { ...constants, ...form.constants }, include: pieces } };
}
