/** Tries what a worker's policy decides on. */

/** The shortest WebAssembly module: magic number and version. */
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

const tried = async (what: () => unknown): Promise<boolean> => {
  try {
    await what();
    return true;
  } catch {
    return false;
  }
};

postMessage({
  wasm: await tried(() => new WebAssembly.Module(EMPTY_MODULE)),
  code: await tried(() => new Function("return 1")()),
  own: await tried(() => fetch("../demo/config.json")),
  hub: await tried(() => fetch("https://huggingface.co/api/models/org/name")),
  elsewhere: await tried(() => fetch("https://example.com/leak", { mode: "no-cors" })),
});

export {};
