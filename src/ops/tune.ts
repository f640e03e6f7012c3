/**
 * Which form of the matrix products is fastest on this device: measured once when it is opened, since what helps on one
 * GPU hurts on another. A form must win clearly, so that the choice is the same at the next opening.
 */
import type { Form } from "../gpu/kernel.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { WebGpuDevice } from "../gpu/webgpu.ts";
import { allColumns, asWeight, matmulNt, recordNt } from "./matmul.ts";

/** A product that every form suits, large enough to be limited by loads and small enough for a software adapter. */
const SIZE = 512;
const PRODUCTS = 2;
const ROUNDS = 3;
/** Share of the plain form's time below which another one is taken. */
const CLEARLY = 0.85;

/** Sets the device's forms. GPU→CPU waits. */
export async function tune(device: WebGpuDevice): Promise<void> {
  const forms = (matmulNt.forms ?? []).filter(({ subgroup }) => subgroup <= device.subgroup);
  if (forms.length === 0) return;
  const tensors = ["a", "w", "c"].map((name) => device.allocate([SIZE, SIZE], `tuning ${name}`)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  try {
    const best = new Map<Form | null, number>();
    // In turns, so that a slow moment of the machine hits all alike; the first round compiles.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const form of [null, ...forms]) {
        const seconds = await timeProducts(device, form, tensors);
        if (round > 0) best.set(form, Math.min(best.get(form) ?? Number.POSITIVE_INFINITY, seconds));
      }
    }
    const [fastest] = forms.toSorted((one, other) => best.get(one)! - best.get(other)!);
    device.forms.clear();
    if (best.get(fastest!)! < CLEARLY * best.get(null)!) device.forms.add(fastest!);
  } finally {
    for (const tensor of tensors) device.free(tensor);
  }
}

async function timeProducts(device: WebGpuDevice, form: Form | null, [a, w, c]: readonly [Tensor, Tensor, Tensor]) {
  device.forms.clear();
  if (form) device.forms.add(form);
  const program = new Program();
  for (let i = 0; i < PRODUCTS; i++) recordNt(program, allColumns(a), SIZE, asWeight(w), allColumns(c));
  await device.idle();
  const start = performance.now();
  await device.run(program);
  await device.idle();
  return (performance.now() - start) / 1000;
}
