/** The products of jax-js and tfjs are the engine's, a wrong one is never timed, and ratios are what the times say. */
import { describe, expect, it } from "vitest";
import { entryProblem, resultProblem } from "../../../src/cli/bench/peers/check-product.ts";
import { compareProducts, type ProductCase } from "../../../src/cli/bench/peers/compare-products.ts";
import { openJax } from "../../../src/cli/bench/peers/jax.ts";
import {
  checkSameAdapter,
  type Library,
  loadPackages,
  offerGpu,
  type ProductInput,
} from "../../../src/cli/bench/peers/library.ts";
import { putMeterOn } from "../../../src/cli/bench/peers/meter.ts";
import { checkPeers } from "../../../src/cli/bench/peers/names.ts";
import { ownProduct } from "../../../src/cli/bench/peers/own.ts";
import { Patience } from "../../../src/cli/bench/peers/patience.ts";
import { inputOf, LAYOUTS, productSizes, randomOperands, TOKENS } from "../../../src/cli/bench/peers/product-sizes.ts";
import { showPeers } from "../../../src/cli/bench/peers/show.ts";
import { summarize } from "../../../src/cli/bench/peers/summary.ts";
import { openTfjs } from "../../../src/cli/bench/peers/tfjs.ts";
import { testDevice } from "../../support/device.ts";
import { testGpu } from "../../support/gpu.ts";

/** No two sides alike, and more terms than one tile has. */
const SIZE = { tokens: 20, in: 36, out: 12 };
const OPERANDS = randomOperands(SIZE);
const options = { rounds: 1, signal: new AbortController().signal, onProgress: () => {} };

/** A library that computes with the engine, and then does `spoil` to the result. */
async function fakeLibrary(name: string, spoil: (values: Float32Array) => Float32Array): Promise<Library> {
  const device = await testDevice();
  const product = (input: ProductInput) => {
    const own = ownProduct(device, input);
    return { ...own, result: async () => spoil(await own.result()) };
  };
  return { name, version: "0", gpu: device.gpu, product };
}

describe("the libraries", () => {
  it.each([
    ["jax-js", openJax],
    ["tfjs", openTfjs],
  ])("%s multiplies as we do in every layout, on our adapter", async (name, open) => {
    offerGpu(testGpu());
    const device = await testDevice();
    const meter = putMeterOn();
    try {
      const library = await open();
      checkSameAdapter(name, library.gpu, device.gpu);
      const before = meter.counted.dispatches;
      // Counts at which a library may have submitted by itself, and more than one call's worth.
      const product = library.product(inputOf("NT", OPERANDS));
      for (const count of [1, 15, 70]) await product.run(count);
      product.free();
      expect(meter.counted.dispatches - before).toBe(86);
      const cases = await compareProducts(device, [library], [SIZE], options);
      expect(cases.map(({ layout }) => layout)).toEqual(LAYOUTS);
      for (const { theirs } of cases) expect(theirs[name]).toEqual({ seconds: expect.any(Number) });
      expect(meter.peakBytes(library.gpu)).toBeGreaterThan(4 * SIZE.tokens * SIZE.in);
    } finally {
      meter.remove();
    }
  });

  it("are told apart by adapter", async () => {
    const { gpu } = await testDevice();
    const other = { adapterInfo: { ...gpu.adapterInfo, vendor: "other", device: "x", description: "another GPU" } };
    expect(() => checkSameAdapter("tfjs", other as GPUDevice, gpu)).toThrow("tfjs opened another adapter");
  });

  it("that are not installed are named with what installs them, and other faults stay themselves", async () => {
    const missing = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
    const load = loadPackages(["@jax-js/jax"], () => Promise.reject(missing));
    await expect(load).rejects.toMatchObject({ message: "not installed", hint: "npm install --no-save @jax-js/jax" });
    const broken = new Error("broken");
    await expect(loadPackages(["x"], () => Promise.reject(broken))).rejects.toBe(broken);
  });

  it("are asked for by name", () => {
    expect(checkPeers(["mlx", "jax-js"])).toEqual(["jax-js", "mlx"]);
    expect(() => checkPeers(["jaxjs"])).toThrow('did you mean "jax-js"');
  });
});

describe("a product", () => {
  it("that is wrong is found, and not timed", async () => {
    const device = await testDevice();
    const zeros = await fakeLibrary("zeros", (values) => values.fill(0));
    const turned = await fakeLibrary("turned", (values) => values.toReversed());
    const short = await fakeLibrary("short", (values) => values.subarray(1));
    const [first] = await compareProducts(device, [zeros, turned, short], [SIZE], options);
    expect(first!.theirs.zeros).toMatchObject({ problem: expect.stringContaining("is 0, not") });
    expect(first!.theirs.turned).toMatchObject({ problem: expect.stringContaining("not") });
    expect(first!.theirs.short).toMatchObject({ problem: "239 values instead of 20 × 12" });
  });

  it("that fails in one library is still timed in the others", async () => {
    const device = await testDevice();
    const fails = await fakeLibrary("fails", () => {
      throw new Error("no memory");
    });
    const tires: Library = {
      ...fails,
      name: "tires",
      product: (input) => ({ ...ownProduct(device, input), run: () => Promise.reject(new Error("lost")) }),
    };
    const works = await fakeLibrary("works", (values) => values);
    const [first] = await compareProducts(device, [fails, tires, works], [SIZE], options);
    expect(first!.theirs).toEqual({
      fails: { problem: "no memory" },
      tires: { problem: "lost" },
      works: { seconds: expect.any(Number) },
    });
  });

  it.each(LAYOUTS)("%s is compared with f64 and with ours", async (layout) => {
    const input = inputOf(layout, OPERANDS);
    const own = ownProduct(await testDevice(), input);
    const values = await own.result();
    own.free();
    expect(entryProblem(input, values)).toBeNull();
    expect(resultProblem(values, values)).toBeNull();
    const nearly = values.map((value) => value * 1.001);
    expect(entryProblem(input, nearly)).toContain("not");
    expect(resultProblem(nearly, values)).toContain("away from ours");
    expect(
      entryProblem(
        input,
        values.map(() => Number.NaN),
      ),
    ).toContain("NaN");
  });

  it("is measured at the sizes of a small model", () => {
    const sizes = productSizes(TOKENS);
    expect(sizes).toHaveLength(12);
    expect(sizes).toContainEqual({ tokens: 2048, in: 4864, out: 896 });
  });
});

const time = (seconds: number) => ({ seconds });
const CASES: readonly ProductCase[] = [
  { tokens: 4, in: 8, out: 16, layout: "NT", ours: 1, theirs: { a: time(4), b: time(2) } },
  { tokens: 4, in: 8, out: 16, layout: "NN", ours: 2, theirs: { a: time(1), b: { problem: "wrong" } } },
  { tokens: 4, in: 8, out: 16, layout: "TN", ours: 4, theirs: { a: { problem: "wrong" }, b: { problem: "wrong" } } },
];

describe("the summary", () => {
  const summary = summarize(CASES);

  it("takes the fastest library that is right", () => {
    expect(summary.cases.map(({ ratio, fastest }) => [ratio, fastest])).toEqual([
      [2, "b"],
      [0.5, "a"],
      [null, null],
    ]);
    expect(summary.geometricMean).toBeCloseTo(1, 12);
    expect(summary.lowest).toMatchObject({ layout: "NN", ratio: 0.5 });
    expect(summary.overForward).toMatchObject({
      NN: { lowest: { overForward: 0.5 } },
      TN: { lowest: { overForward: 0.25 } },
    });
  });

  it("takes the mean of each layout over NT", () => {
    const faster = CASES.map((one) => ({ ...one, tokens: 8, ours: one.layout === "TN" ? 1 : one.ours }));
    const { TN } = summarize([...CASES, ...faster]).overForward;
    expect(TN.geometricMean).toBeCloseTo(0.5, 12);
    expect(TN.lowest).toMatchObject({ tokens: 4, overForward: 0.25 });
  });

  it("has no mean where nothing could be compared", () => {
    const alone = summarize(CASES.map((one) => ({ ...one, theirs: {} })));
    expect([alone.geometricMean, alone.lowest]).toEqual([null, null]);
  });

  it("is a table with the ratio first", () => {
    const libraries = [
      { name: "a", version: "1" },
      { name: "b", version: "2" },
    ];
    const problems = [{ peer: "mlx", message: "not found", hint: "install it" }];
    const text = showPeers({
      device: "GPU",
      libraries,
      problems,
      products: summary,
      step: null,
      decoding: null,
      mlx: null,
    });
    expect(text).toMatch(/^ +2\.00 +4 × 8 × 16 +NT/m);
    expect(text).toMatch(/^ +– +4 × 8 × 16 +TN .* wrong +wrong +0\.25$/m);
    expect(text).toContain(
      "Geometric mean over the fastest other: 1.00\nLowest: 0.50 at 4 × 8 × 16 NN, where a is fastest",
    );
    expect(text).toContain("TN over NT: 0.25 in the geometric mean, lowest 0.25 at 4 × 8 × 16");
    expect(text).toContain("b, 4 × 8 × 16 NN: not timed, wrong");
    expect(text).toContain("mlx: not found (install it)");
  });
});

it("naps are shorter than the work, and shrink after oversleeping", () => {
  const patience = new Patience();
  expect(patience.nap).toBe(0);
  patience.learn(1);
  expect(patience.nap).toBe(500);
  patience.learn(0.8);
  expect(patience.nap).toBe(640);
  // Woken too late: the work may have been done long before.
  patience.learn(0.65);
  expect(patience.nap).toBe(320);
  patience.learn(0.001);
  patience.learn(0.001);
  expect(patience.nap).toBeLessThan(320);
});
