/**
 * A fused model's files against what they were made from, read back from where they lie: nothing missing, nothing added,
 * untouched tensors byte for byte, merged ones equal to the merge computed anew, every number finite.
 */
import type { ModelSource } from "../../core/bytes.ts";
import { LorikeetError } from "../../core/errors.ts";
import { firstNonFiniteIn, isFloatDtype } from "../../core/float-bytes.ts";
import { formatBytes, formatCount, listed } from "../../core/units.ts";
import { type Checkpoint, openCheckpoint } from "../../formats/checkpoint.ts";
import type { Check } from "../verify.ts";
import { fusedSlices, type SlicesOf } from "./fused-slices.ts";
import type { FusedForm, FusedTensor, FusePlan } from "./plan.ts";
import type { FuseOptions } from "./write.ts";

const COMPLETE = "every tensor is there, with its shape and type";
const UNTOUCHED = "the other tensors are the base's, byte for byte";
const DECODED = "tensors of codes without an adapter are what the codes say, rounded once";
const MERGED: Readonly<Record<FusedForm, string>> = {
  "as the base": "adapted tensors are W + scale·B·A, rounded once",
  decoded: "adapted tensors are W + scale·B·A, rounded once",
  codes: "adapted tensors are the codes nearest to W + scale·B·A",
};
const MERGED_DORA = "adapted tensors are m·(W + scale·B·A) / ‖W + scale·B·A‖ by rows, rounded once";
const FINITE = "every number is finite";

/** Faults by what they break, each with the tensor's name in it. */
interface Faults {
  readonly untouched: string[];
  readonly decoded: string[];
  readonly merged: string[];
  readonly finite: string[];
}

/** The checks, in this order; without readable files only the first. `written` must read from disk. */
export async function proveWeights(
  plan: FusePlan,
  checkpoint: Checkpoint,
  written: ModelSource,
  options: FuseOptions = {},
): Promise<Check[]> {
  const fused = await openWritten(written);
  if (fused instanceof LorikeetError) return [{ name: COMPLETE, passed: false, evidence: fused.message }];
  const tensors = plan.files.flatMap((file) => file.tensors);
  const lacking = misfits(tensors, fused);
  const faults: Faults = { untouched: [], decoded: [], merged: [], finite: [] };
  const slicesOf = fusedSlices(checkpoint, plan.scale);
  let done = 0;
  for (const tensor of tensors) {
    if (!lacking.has(tensor.name)) await compare(tensor, slicesOf, fused, faults, options.signal);
    done += tensor.bytes;
    options.onProgress?.(done, plan.bytes);
  }
  const others = tensors.filter(({ matrix }) => !matrix);
  const adapted = tensors.filter(({ matrix }) => matrix?.factor);
  const isRescaled = adapted.some(({ matrix }) => matrix?.factor?.magnitude);
  const decoded = tensors.filter(({ matrix }) => matrix && !matrix.factor);
  const files = plan.files.length === 1 ? "one file" : `${plan.files.length} files`;
  return [
    check(COMPLETE, [...lacking.values()], `${formatCount(tensors.length)} tensors in ${files}`),
    check(UNTOUCHED, faults.untouched, amount(others)),
    ...(decoded.length > 0 ? [check(DECODED, faults.decoded, amount(decoded))] : []),
    check(isRescaled ? MERGED_DORA : MERGED[plan.form], faults.merged, amount(adapted)),
    check(FINITE, faults.finite, amount(tensors)),
  ];
}

/** Damaged files are what the proof is for: their error is its result. */
async function openWritten(written: ModelSource): Promise<Checkpoint | LorikeetError> {
  try {
    return await openCheckpoint(written);
  } catch (error) {
    if (error instanceof LorikeetError) return error;
    throw error;
  }
}

/** Tensors that cannot be compared, and those that do not belong, by name. */
function misfits(tensors: readonly FusedTensor[], fused: Checkpoint): Map<string, string> {
  const found = new Map<string, string>();
  const form = ({ dtype, shape }: Pick<FusedTensor, "dtype" | "shape">) => `${dtype} [${shape.join(", ")}]`;
  for (const tensor of tensors) {
    const other = fused.tensors.get(tensor.name);
    if (!other) found.set(tensor.name, `${tensor.name} is missing`);
    else if (form(other) !== form(tensor)) {
      found.set(tensor.name, `${tensor.name}: expected ${form(tensor)}, found ${form(other)}`);
    }
  }
  const expected = new Set(tensors.map(({ name }) => name));
  for (const name of fused.tensors.keys()) if (!expected.has(name)) found.set(name, `${name} is not the base's`);
  return found;
}

async function compare(
  tensor: FusedTensor,
  slicesOf: SlicesOf,
  fused: Checkpoint,
  faults: Faults,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, dtype, matrix } = tensor;
  let same = true;
  let unmerged = true;
  let broken = -1;
  for await (const slice of slicesOf(tensor)) {
    signal?.throwIfAborted();
    const found = await fused.readRange(name, slice.begin, slice.begin + slice.bytes.length);
    const right = equal(found, slice.bytes);
    same &&= right;
    // Where the adapter changes nothing, both are the same.
    if (matrix?.factor && unmerged && !right) unmerged = equal(found, await slice.unmerged());
    if (broken < 0 && isFloatDtype(dtype)) broken = firstNonFiniteIn(found, dtype);
  }
  if (!same && matrix?.factor) {
    faults.merged.push(unmerged ? `${name} is the base's: the merge was left out` : `${name} differs`);
  }
  if (!same && !matrix?.factor) (matrix ? faults.decoded : faults.untouched).push(`${name} differs`);
  // Too large for its type after the merge, or broken in the base already.
  if (broken >= 0) faults.finite.push(`${name} has values that are not finite in ${dtype}`);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function check(name: string, faults: readonly string[], evidence: string): Check {
  if (faults.length === 0) return { name, passed: true, evidence };
  return { name, passed: false, evidence: listed(faults) };
}

function amount(tensors: readonly FusedTensor[]): string {
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  return `${formatCount(tensors.length)} ${tensors.length === 1 ? "tensor" : "tensors"}, ${formatBytes(bytes)}`;
}
