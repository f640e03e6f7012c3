/**
 * Which forms of the matrix products are fastest on this device: measured when it is opened, for each layout and size class,
 * since what helps on one GPU hurts on another. The first few choices are remembered by adapter and browser; what most of
 * them say holds from then on. A form must give what the plain one gives, whether it was measured or remembered, and must
 * win clearly.
 */
import { configError, type LorikeetError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { fetchFloats } from "../gpu/device.ts";
import { canRun } from "../gpu/kernel.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { WebGpuDevice } from "../gpu/webgpu.ts";
import { type ChoiceMemory, rememberedChoices, withChoice } from "./form-memory.ts";
import { allColumns, asWeight, MATMULS, recordNn, recordNt, recordTn } from "./matmul.ts";
import type { Layout, MatmulForm, SizeClass } from "./matmul-forms.ts";

export interface Tuning {
  /** "plain", "measure", or names of forms with commas between; absent: what is remembered, else measured. */
  readonly wish?: string | null | undefined;
  /** Where choices are kept; null: nowhere. */
  readonly memory: ChoiceMemory | null;
  /** Browser or Node, and this program, with their versions. */
  readonly where: string;
  /** Milliseconds, for tests. */
  readonly clock?: () => number;
}

/** What is measured, and by what. */
interface Course {
  readonly layout: Layout;
  readonly size: SizeClass;
  /** What it must be faster than; null: the plain form. */
  readonly base: MatmulForm | null;
  clock(): number;
}

/** Rows of c, its columns, length of the sums: small enough for a software adapter, doubled for anything faster. */
const SIZES: Readonly<Record<SizeClass, readonly [number, number, number]>> = {
  tall: [256, 1024, 1024],
  wide: [256, 512, 512],
  narrow: [1024, 16, 512],
};
const CLASSES = (["nt", "nn", "tn"] as const).flatMap((layout) =>
  (["wide", "narrow", "tall"] as const).map((size) => ({ layout, size })),
);
/** A product below this many seconds is too short to tell forms apart. */
const SHORT = 1e-3;
const SECONDS_PER_RUN = 0.02;
const MOST_PRODUCTS = 64;
const ROUNDS = 5;
/** Share of the base's time below which another one is taken. */
const CLEARLY = 0.9;
/** Openings that measure: one beside busy programs must not decide, and forms that are as good as equal take turns. */
const VOTES = 3;
/** A form that takes so many times the best one's time in two rounds is not tried again. */
const HOPELESS = 1.3;
/** Largest difference between two orders of a sum of `depth` products of numbers below one half. */
const tolerance = (depth: number) => 1e-6 * depth;

/** Sets the device's forms. Throws ConfigError when the wish names none that there are. GPU→CPU waits. */
export async function tune(device: WebGpuDevice, { wish, memory, where, clock = now }: Tuning): Promise<void> {
  const forms = MATMULS.flatMap((kernel) => kernel.forms as readonly MatmulForm[]);
  const possible = forms.filter((form) => canRun(form, device));
  const choose = (chosen: readonly MatmulForm[]) => {
    device.forms.clear();
    for (const form of chosen) device.forms.add(form);
  };
  choose([]);
  if (wish && wish !== "measure") return choose(wished(wish, forms, possible));
  const key = `${where}; ${identity(device)}; ${possible.map(({ name }) => name).join(", ")}`;
  const votes = wish ? [] : await rememberedChoices(memory, key);
  const settled = votes.length >= VOTES;
  const chosen: MatmulForm[] = [];
  for (const { layout, size } of CLASSES) {
    const own = possible.filter((form) => form.layout === layout && form.size === size);
    // What is tall is wide too, and would else be made as such.
    const wide = chosen.find((form) => form.layout === layout && form.size === "wide");
    const course = { layout, size, clock, base: (size === "tall" && wide) || null };
    const form = settled ? await known(device, course, elected(own, votes)) : await fastest(device, course, own);
    if (form) chosen.push(form);
  }
  choose(chosen);
  if (settled || !memory) return;
  const names = chosen.map(({ name }) => name);
  await memory.write(withChoice(await memory.read(), key, names));
}

/** Of the forms of one layout and size the one that most votes name, or none where most name none; of equals the first. */
function elected(own: readonly MatmulForm[], votes: readonly (readonly string[])[]): MatmulForm | null {
  const count = (form: MatmulForm | null) =>
    votes.filter((names) => (own.find(({ name }) => names.includes(name)) ?? null) === form).length;
  return [null, ...own].reduce((best, form) => (count(form) > count(best) ? form : best), null);
}

const now = () => performance.now();

function wished(wish: string, forms: readonly MatmulForm[], possible: readonly MatmulForm[]): MatmulForm[] {
  if (wish === "plain") return [];
  return wish.split(",").map((part) => {
    const name = part.trim();
    const form = possible.find((one) => one.name === name);
    if (!form) throw unknownForm(name, forms, possible);
    return form;
  });
}

function unknownForm(name: string, forms: readonly MatmulForm[], possible: readonly MatmulForm[]): LorikeetError {
  const known = forms.some((one) => one.name === name);
  return configError(
    known ? `this adapter cannot run the form "${name}"` : `there is no form "${name}" of the matrix products`,
    `Name some of ${possible.map((one) => `"${one.name}"`).join(", ")}, with commas between, or "plain", or "measure".`,
  );
}

function identity({ gpu, name }: WebGpuDevice): string {
  const { vendor = "", architecture = "", device = "", description = "" } = gpu.adapterInfo ?? {};
  return [name, vendor, architecture, device, description].join(" ");
}

/** The form, unless it computes wrongly here. */
async function known(device: WebGpuDevice, course: Course, form: MatmulForm | null): Promise<MatmulForm | null> {
  if (!form) return null;
  const bench = new Bench(device, course, SIZES[course.size], 1);
  try {
    const [right] = await bench.agreeing([form]);
    return right ?? null;
  } finally {
    bench.free();
  }
}

/** The form that wins clearly, or none. */
async function fastest(
  device: WebGpuDevice,
  course: Course,
  candidates: readonly MatmulForm[],
): Promise<MatmulForm | null> {
  let right = candidates;
  for (const factor of right.length > 0 ? [1, 2] : []) {
    const bench = new Bench(device, course, SIZES[course.size], factor);
    try {
      right = await bench.agreeing(right);
      const seconds = await bench.seconds(course.base, 1);
      if (seconds < SHORT && factor === 1) continue;
      return await race(bench, course.base, right, Math.min(MOST_PRODUCTS, Math.ceil(SECONDS_PER_RUN / seconds)));
    } finally {
      bench.free();
    }
  }
  return null;
}

/** In turns, so that a slow moment of the machine hits all alike; a form's time is the best of its rounds, as noise only adds. */
async function race(
  bench: Bench,
  base: MatmulForm | null,
  forms: readonly MatmulForm[],
  products: number,
): Promise<MatmulForm | null> {
  const times = new Map<MatmulForm | null, number>([base, ...forms].map((form) => [form, Infinity]));
  const best = (form: MatmulForm | null) => times.get(form)!;
  let runners: readonly (MatmulForm | null)[] = [base, ...forms];
  for (let round = 0; round < ROUNDS; round++) {
    for (const form of runners) times.set(form, Math.min(best(form), await bench.seconds(form, products)));
    // One slow moment must not be the end of a form.
    if (round === 0) continue;
    const leader = Math.min(...[...times.keys()].map(best));
    runners = runners.filter((form) => form === base || best(form) < HOPELESS * leader);
  }
  const [winner] = forms.toSorted((one, other) => best(one) - best(other));
  return winner && best(winner) < CLEARLY * best(base) ? winner : null;
}

/** One product of a layout, in any form. */
class Bench {
  private readonly device: WebGpuDevice;
  private readonly record: (program: Program) => void;
  private readonly tensors: readonly Tensor[];
  private readonly depth: number;
  private readonly clock: () => number;

  constructor(
    device: WebGpuDevice,
    { layout, clock }: Course,
    extents: readonly [number, number, number],
    factor: number,
  ) {
    this.clock = clock;
    const [height, width, depth] = extents.map((extent) => factor * extent) as [number, number, number];
    this.device = device;
    this.depth = depth;
    const random = new Random(1);
    const matrix = (shape: readonly number[]) => {
      const tensor = device.allocate(shape, "tuning");
      const values = Float32Array.from({ length: shape[0]! * shape[1]! }, () => random.uniform() - 0.5);
      device.upload(tensor, new Uint8Array(values.buffer));
      return tensor;
    };
    const a = matrix(layout === "tn" ? [depth, height] : [height, depth]);
    const b = matrix(layout === "nt" ? [width, depth] : [depth, width]);
    const c = device.allocate([height, width], "tuning");
    this.tensors = [a, b, c];
    this.record = {
      nt: (p: Program) => recordNt(p, allColumns(a), height, asWeight(b), allColumns(c)),
      nn: (p: Program) => recordNn(p, allColumns(a), height, asWeight(b), allColumns(c)),
      tn: (p: Program) => recordTn(p, allColumns(a), allColumns(b), depth, c),
    }[layout];
  }

  /** Those that give what the plain one gives; compiles them, and leaves out what a compiler refuses. */
  async agreeing(forms: readonly MatmulForm[]): Promise<MatmulForm[]> {
    const expected = await this.result(null);
    const agreeing: MatmulForm[] = [];
    for (const form of forms) {
      const own = await this.result(form).catch(() => null);
      const same = own?.every((value, i) => Math.abs(value - expected[i]!) <= tolerance(this.depth));
      if (same) agreeing.push(form);
    }
    return agreeing;
  }

  /** Of one product, where `products` are made. */
  async seconds(form: MatmulForm | null, products: number): Promise<number> {
    this.take(form);
    const program = new Program();
    for (let i = 0; i < products; i++) this.record(program);
    await this.device.idle();
    const start = this.clock();
    await this.device.run(program);
    await this.device.idle();
    return (this.clock() - start) / 1000 / products;
  }

  free(): void {
    for (const tensor of this.tensors) this.device.free(tensor);
  }

  private async result(form: MatmulForm | null): Promise<Float32Array> {
    this.take(form);
    const program = new Program();
    this.record(program);
    return fetchFloats(this.device, program, this.tensors[2]!);
  }

  private take(form: MatmulForm | null): void {
    this.device.forms.clear();
    if (form) this.device.forms.add(form);
  }
}
