/** jax-js on its WebGPU device: products compiled by `jit`, as its users would write them. */
import { createRequire } from "node:module";
import { deviceError } from "../../../core/errors.ts";
import { type Library, loadPackages, type Matrix, type Product, type ProductInput } from "./library.ts";

export type Jax = typeof import("@jax-js/jax");
export type JaxArray = InstanceType<Jax["Array"]>;

export interface JaxLibrary extends Library {
  readonly jax: Jax;
}

/** Results of one call, at most: as many buffers of a size as jax-js keeps for reuse. */
const GROUP = 64;
/** Bytes of the results of one call. */
const GROUP_BYTES = 2 ** 28;

/** `navigator.gpu` must be there before: see `offerGpu`. */
export async function openJax(): Promise<JaxLibrary> {
  const jax = await loadPackages(["@jax-js/jax"], () => import("@jax-js/jax"));
  if (!(await jax.init("webgpu")).includes("webgpu")) throw deviceError("jax-js found no WebGPU");
  jax.defaultDevice("webgpu");
  const product = (input: ProductInput) => prepare(jax, input);
  return { name: "jax-js", version: jaxVersion(), gpu: jax.getWebGPUDevice(), jax, product };
}

function prepare(jax: Jax, { a, b, turnA, turnB }: ProductInput): Product {
  const { numpy: np } = jax;
  const put = ({ values, rows, columns }: Matrix) => np.array(values).reshape([rows, columns]);
  const [left, right] = [put(a), put(b)];
  const turn = (x: JaxArray, turned: boolean) => (turned ? x.transpose() : x);
  // One call for many products costs least: the same array goes in several times, and none of the products is shared.
  const multiply = jax.jit((lefts: JaxArray[], y: JaxArray) => {
    const results = lefts.map((x) => np.matmul(turn(x, turnA), turn(y.ref, turnB)));
    y.dispose();
    return results;
  });
  const call = (count: number) =>
    multiply(
      Array.from({ length: count }, () => left.ref),
      right.ref,
    );
  const bytes = 4 * (turnA ? a.columns : a.rows) * (turnB ? b.rows : b.columns);
  const group = Math.max(1, Math.min(GROUP, Math.floor(GROUP_BYTES / bytes)));

  return {
    async run(count) {
      const running: Promise<void>[] = [];
      for (let rest = count; rest > 0; rest -= group) {
        const results = call(Math.min(rest, group));
        const ready = results.at(-1)!.blockUntilReady();
        running.push(ready.then(() => jax.tree.dispose(results)));
        // The next call is encoded while this one runs.
        if (running.length > 1) await running.shift();
      }
      await Promise.all(running);
    },
    async result() {
      return (await call(1)[0]!.data()) as Float32Array;
    },
    free() {
      multiply.dispose();
      left.dispose();
      right.dispose();
    },
  };
}

/** Its package does not export package.json, which lies one folder above its entry. */
function jaxVersion(): string {
  const entry = createRequire(import.meta.url).resolve("@jax-js/jax");
  return createRequire(entry)("../package.json").version;
}
