/**
 * Matrix units: instructions by which a subgroup multiplies 8×8 matrices. An experiment of Chromium's that browsers show behind
 * a flag, and Dawn in Node on request (`allow_unsafe_apis`); WebGPU's own types do not know it yet.
 */

export const MATRIX_UNITS = "chromium-experimental-subgroup-matrix";

/** What a GPU's units can multiply: [M, K] times [K, N]. */
interface UnitConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** Invocations of the subgroups that multiply 8×8 matrices of f32 here; 0 where none do, or where their size varies. */
export function matrixUnits(gpu: GPUDevice): number {
  const info = gpu.adapterInfo as (GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<UnitConfig> }) | undefined;
  if (!info || !(gpu.features as ReadonlySet<string>).has(MATRIX_UNITS)) return 0;
  const isOurs = ({ componentType, resultComponentType, M, N, K }: UnitConfig) =>
    componentType === "f32" && resultComponentType === "f32" && M === 8 && N === 8 && K === 8;
  if (![...(info.subgroupMatrixConfigs ?? [])].some(isOurs)) return 0;
  return info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? 0) : 0;
}
