/** Invented states of the Model card, on the real catalogue. */
import type { ErrorCode, ErrorData, ErrorKind } from "../../../../src/core/errors.ts";
import { contextTokens, downloadBytes } from "../../../../src/hub/catalogue/entry.ts";
import { accessSteps, CATALOGUE, modelPage } from "../../../../src/hub/catalogue.ts";
import { type AppState, INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import type { CatalogueRow, KeptModel, ModelState, Opening } from "../../../../src/worker/protocol.ts";

const BUDGET = 7e9;
const verdictOf = (bytes: number) => (bytes < 0.8 * BUDGET ? "fits" : bytes < BUDGET ? "tight" : "too-large");

/** Every entry with needs in proportion to its weights; one family is taken for unknown. */
export const ROWS: readonly CatalogueRow[] = CATALOGUE.map((entry) => {
  const supported = !entry.id.startsWith("google/");
  const need = (factor: number) => {
    const weightBytes = entry.bytes.weights - entry.bytes.unread;
    const peakBytes = factor * weightBytes + 1e8;
    return { weightBytes, adapterBytes: 1e7, peakBytes, verdict: verdictOf(peakBytes) };
  };
  return {
    ...{ entry, supported, downloadBytes: downloadBytes(entry), contextTokens: contextTokens(entry) },
    page: modelPage(entry.id),
    access: entry.gated ? accessSteps(entry.id) : null,
    reason: supported ? null : `${String(entry.config.model_type)} is not supported yet`,
    plain: supported ? need(1.7) : null,
    checkpointed: supported ? need(1.3) : null,
  };
});

export const KEPT: readonly KeptModel[] = [
  {
    ...{ key: "hub:Qwen/Qwen3-0.6B", title: "Qwen/Qwen3-0.6B", bytes: 995_000_000, whole: true },
    choice: { kind: "hub", id: "Qwen/Qwen3-0.6B" },
  },
  {
    ...{ key: "hub:HuggingFaceTB/SmolLM2-360M-Instruct", title: "HuggingFaceTB/SmolLM2-360M-Instruct" },
    ...{ bytes: 310_000_000, whole: false, choice: { kind: "hub", id: "HuggingFaceTB/SmolLM2-360M-Instruct" } },
  },
  {
    ...{ key: "folder:my-model", title: "my-model", bytes: 269_000_000, whole: true },
    choice: { kind: "folder", name: "my-model" },
  },
];

export const OPENING = {
  storage: {
    lasting: true,
    note: "Kept in this browser on this machine.",
    usedBytes: 1_574_000_000,
    quotaBytes: 48_000_000_000,
  },
} as Opening;

const QWEN: ModelState = {
  ...INITIAL_STATE.model,
  choice: { kind: "hub", id: "Qwen/Qwen2.5-0.5B-Instruct" },
  title: "Qwen/Qwen2.5-0.5B-Instruct",
  phase: "known",
  facts: {
    ...{ family: "qwen2", blocks: 24, parameters: 494_032_768, element: "bf16", bytes: 988_000_000 },
    ...{ maxTokens: 32768, vocabulary: 151936 },
  },
  modules: ["self_attn.q_proj"],
  hasChatTemplate: true,
  downloadBytes: 995_000_000,
};

export const DEMO: ModelState = {
  ...QWEN,
  choice: { kind: "demo" },
  title: "Built-in demo",
  facts: {
    ...{ family: "llama", blocks: 4, parameters: 1_150_000, element: "f16", bytes: 2_300_000 },
    ...{ maxTokens: 512, vocabulary: 1024 },
  },
  downloadBytes: 2_400_000,
};

const HALF = { done: 412_000_000, total: 995_000_000, bytesPerSecond: 21_000_000, secondsLeft: 27.8 };
const error = (code: ErrorCode | null, message: string, hint: string, kind: ErrorKind = "model"): ErrorData => ({
  ...{ kind, message, hint },
  ...(code && { code }),
});
const failed = (model: Partial<ModelState>, reason: ErrorData): Partial<AppState> =>
  state({ ...INITIAL_STATE.model, phase: "failed", ...model, error: reason });

function state(model: ModelState, more: Partial<AppState> = {}): Partial<AppState> {
  return { opening: OPENING, model, catalogue: ROWS, kept: KEPT, opened: { model: true }, ...more };
}

const LLAMA = {
  choice: { kind: "hub", id: "meta-llama/Llama-3.2-1B-Instruct" },
  title: "meta-llama/Llama-3.2-1B-Instruct",
} as const;

export const MODEL_STATES: Readonly<Record<string, Partial<AppState>>> = {
  closed: state(DEMO, { opened: { model: false }, plan: { verdict: "fits" } as AppState["plan"] }),
  empty: state(INITIAL_STATE.model, { catalogue: null, kept: [] }),
  demo: state(DEMO),
  reading: state({ ...INITIAL_STATE.model, choice: QWEN.choice, title: QWEN.title, phase: "reading" }),
  known: state(QWEN),
  loading: state({ ...QWEN, phase: "loading", transfer: HALF }),
  paused: state({ ...QWEN, phase: "paused", transfer: HALF }),
  ready: state({ ...QWEN, phase: "ready", kept: true }),
  warning: state({
    ...{ ...QWEN, phase: "ready" },
    warning: error(
      "storage-full",
      "Qwen/Qwen2.5-0.5B-Instruct: 995 MB to keep, 310 MB are free",
      "Delete a kept model.",
    ),
  }),
  running: state({ ...DEMO, phase: "ready" }, { run: { ...INITIAL_STATE.run, phase: "training" } }),
  folder: state({ ...DEMO, choice: { kind: "folder", name: "my-model" }, title: "my-model", hasChatTemplate: false }),
  gated: failed(
    LLAMA,
    error("gated", `${LLAMA.title}: expected the file, got status 401`, "The name is wrong, or the model is gated."),
  ),
  "not-found": failed(
    { choice: { kind: "hub", id: "qwen/nothing" }, title: "qwen/nothing" },
    error(
      "not-found",
      "qwen/nothing: expected the file, got status 404",
      "Check the spelling, capital letters included.",
    ),
  ),
  "bad-id": failed(
    { choice: { kind: "hub", id: "https://example.org/x" }, title: "https://example.org/x" },
    error(
      null,
      'model: expected "org/name", got "https://example.org/x": it is not an address of huggingface.co',
      "Copy the name from the model's page.",
      "config",
    ),
  ),
  offline: failed(
    { ...QWEN, phase: "failed", transfer: HALF },
    error("offline", "model.safetensors: the connection broke off at 412 MB", "Check the network."),
  ),
  "storage-full": failed(
    { ...QWEN, phase: "failed" },
    error("storage-full", "995 MB to keep, 310 MB are free", "Delete a kept model."),
  ),
  "too-large": failed(
    { choice: { kind: "hub", id: "big/model-7b" }, title: "big/model-7b" },
    error("model-too-large", "big/model-7b needs 16 GB, this GPU gives 7 GB", "Choose a smaller model."),
  ),
  unsupported: failed(
    { choice: { kind: "hub", id: "google/gemma-3-270m-it" }, title: "google/gemma-3-270m-it" },
    error(
      null,
      'config.json: model_type: expected "llama", "qwen2" or "qwen3", got "gemma3_text"',
      "Choose a model of one of these families.",
    ),
  ),
  "out-of-memory": failed(
    { ...QWEN, phase: "failed" },
    error("out-of-memory", "988 MB of weights: the GPU ran out of memory", "Choose a smaller model.", "device"),
  ),
  "device-lost": failed(
    { ...QWEN, phase: "failed" },
    error("device-lost", "the GPU device was lost", "Reload the page.", "device"),
  ),
};

export const MODEL_ANSWERS = { catalogue: () => ROWS, keptModels: () => KEPT };
