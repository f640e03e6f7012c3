/**
 * What this browser and this computer offer, next to what training needs, as plain data: the gate before everything else.
 * It looks at what is there and never at the browser's name, asks for nothing but the adapter, and never rejects:
 * absence is a state of the page, not a fault.
 */
import { formatCount } from "../core/units.ts";
import { adapterName, STORAGE_BUFFERS } from "./open.ts";

/** One line of the gate's table. */
export interface SupportRow {
  readonly name: string;
  /** null: could not be found out. */
  readonly value: number | boolean | null;
  /** What training needs at least; null: nothing stops without it. */
  readonly needed: number | true | null;
  readonly unit: "bytes" | "";
  /** False when training is not possible because of this row. */
  readonly ok: boolean;
  /** What it is good for, in a sentence. */
  readonly meaning: string;
}

export type Verdict =
  | { readonly state: "ready" }
  | { readonly state: "blocked"; readonly reason: string; readonly remedy: string };

export interface AdapterFacts {
  /** As the user should read it. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Computes on the processor: everything works, many times slower. */
  readonly software: boolean;
}

export interface Support {
  /** null where there is none. */
  readonly adapter: AdapterFacts | null;
  readonly rows: readonly SupportRow[];
  readonly verdict: Verdict;
}

/** Names under which software adapters go where `isFallbackAdapter` does not exist. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/** The least that WebGPU promises: every adapter that follows it has at least this. */
const LEAST_BINDING = 128 * 2 ** 20;
const LEAST_BUFFER = 256 * 2 ** 20;
const WORKGROUP_BYTES = 16 * 2 ** 10;
const INVOCATIONS = 256;

const BROWSERS =
  "Use Safari 26 on macOS 26, Chrome or Edge 123 and later, or Firefox 141 and later on Windows and 145 and later on a Mac with an Apple chip.";
const INSECURE = "Open the page over https, or from localhost.";
const ACCELERATION =
  "Turn on hardware acceleration in the browser's settings, update the system's graphics driver, and start the browser again.";
const TOO_LOW = "Update the browser and the system; where that does not help, use another browser or another computer.";

/**
 * Asks for the adapter that training would use. Never rejects.
 * @param gpu navigator.gpu, of the page or of a worker
 * @param secure whether the page came over https or from localhost; elsewhere browsers hide WebGPU
 */
export async function describeSupport(
  gpu: GPU | undefined,
  secure: boolean = globalThis.isSecureContext ?? true,
): Promise<Support> {
  const adapter = await findAdapter(gpu);
  const rows = [
    present("Secure page", secure, "Browsers offer WebGPU only to pages that came over https or from localhost."),
    present("WebGPU", gpu !== undefined, "The way from a web page to the graphics processor."),
    present("Graphics adapter", adapter !== null, "The graphics processor itself, as the browser gives it out."),
    ...(adapter ? [...limitRows(adapter.limits), ...featureRows(adapter.features)] : []),
  ];
  return { adapter: adapter && adapterFacts(adapter), rows, verdict: judge(gpu, secure, adapter, rows) };
}

async function findAdapter(gpu: GPU | undefined): Promise<GPUAdapter | null> {
  try {
    return (await gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? null;
  } catch {
    return null;
  }
}

function adapterFacts({ info }: GPUAdapter): AdapterFacts {
  const name = adapterName(info);
  const software = info.isFallbackAdapter === true || SOFTWARE.test(`${name} ${info.device}`);
  return { name, vendor: info.vendor, architecture: info.architecture, software };
}

function limitRows(limits: GPUSupportedLimits): SupportRow[] {
  const binding = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const millions = formatCount(binding / 2 / 1e6);
  return [
    atLeast("Storage buffers per shader", limits.maxStorageBuffersPerShaderStage, STORAGE_BUFFERS, "", BUFFERS_MEANING),
    atLeast("Largest binding", binding, LEAST_BINDING, "bytes", bindingMeaning(millions)),
    atLeast(
      "Largest buffer",
      limits.maxBufferSize,
      LEAST_BUFFER,
      "bytes",
      "Adapter, gradients and moments take one each.",
    ),
    atLeast("Workgroup memory", limits.maxComputeWorkgroupStorageSize, WORKGROUP_BYTES, "bytes", WORKGROUP_MEANING),
    atLeast("Workgroup size", limits.maxComputeInvocationsPerWorkgroup, INVOCATIONS, "", "Threads that work together."),
  ];
}

const BUFFERS_MEANING = "How many tensors one kernel can read and write; the largest kernels take eight.";
const WORKGROUP_MEANING = "What the threads of a workgroup share while they work on one block of a matrix.";
const bindingMeaning = (millions: string): string =>
  `One weight matrix can have ${millions} million values of 16 bits. A larger embedding or output head is split; a layer with an adapter cannot be.`;

/** What the engine asks for when it is there; it does without any of them. */
const FEATURES: readonly (readonly [feature: GPUFeatureName, name: string, meaning: string])[] = [
  [
    "shader-f16",
    "Half-precision arithmetic",
    "Not used: weights in 16 bits are read without it, and sums are kept in 32 bits.",
  ],
  ["subgroups", "Subgroups", "Some matrix products are faster with them. Safari has none and takes other forms."],
  ["timestamp-query", "GPU timestamps", "Not used: times are measured from outside. Training runs the same without."],
];

const featureRows = (features: GPUSupportedFeatures): SupportRow[] =>
  FEATURES.map(([feature, name, meaning]) => optional(name, features.has(feature), meaning));

function present(name: string, value: boolean, meaning: string): SupportRow {
  return { name, value, needed: true, unit: "", ok: value, meaning };
}

function atLeast(name: string, value: number, needed: number, unit: SupportRow["unit"], meaning: string): SupportRow {
  return { name, value, needed, unit, ok: value >= needed, meaning };
}

/** A row that stops nothing. */
export function optional(name: string, value: boolean | null, meaning: string): SupportRow {
  return { name, value, needed: null, unit: "", ok: true, meaning };
}

function judge(
  gpu: GPU | undefined,
  secure: boolean,
  adapter: GPUAdapter | null,
  rows: readonly SupportRow[],
): Verdict {
  const blocked = (reason: string, remedy: string) => ({ state: "blocked", reason, remedy }) as const;
  if (!secure)
    return blocked("This page did not come over a secure connection, so the browser hides WebGPU.", INSECURE);
  if (!gpu) return blocked("This browser has no WebGPU.", BROWSERS);
  if (!adapter) return blocked("This browser has WebGPU, but found no graphics adapter for it.", ACCELERATION);
  const low = rows.filter(({ ok }) => !ok).map(({ name, value, needed }) => `${name} is ${value}, needed is ${needed}`);
  if (low.length > 0) return blocked(`The graphics adapter allows too little: ${low.join("; ")}.`, TOO_LOW);
  return { state: "ready" };
}

/** What of a worker's global scope is looked at; a page's own lacks the handles. */
export interface EnvironmentScope {
  readonly navigator?: {
    readonly storage?: { getDirectory?(): Promise<unknown> } | undefined;
    readonly locks?: object | undefined;
  };
  readonly FileSystemFileHandle?: { readonly prototype: object } | undefined;
}

/** What the browser offers besides WebGPU, seen from a worker; nothing here stops training. Never rejects. */
export async function describeEnvironment(scope: EnvironmentScope = globalThis): Promise<SupportRow[]> {
  const { navigator = {}, FileSystemFileHandle } = scope;
  const directory = await hasDirectory(navigator.storage);
  const handles = FileSystemFileHandle !== undefined && "createSyncAccessHandle" in FileSystemFileHandle.prototype;
  return [
    optional("Private file system", directory, DIRECTORY_MEANING),
    optional("Direct file access", directory && handles, HANDLES_MEANING),
    optional("Locks between tabs", navigator.locks !== undefined, LOCKS_MEANING),
  ];
}

const DIRECTORY_MEANING =
  "Keeps downloaded models and checkpoints in this browser. Without it, as in some private windows, both are gone with the tab.";
const HANDLES_MEANING = "Writes large files piece by piece. Without it a model is downloaded anew each time.";
const LOCKS_MEANING = "Keeps two tabs from training on one checkpoint.";

/** Private windows have the function and refuse the directory. */
async function hasDirectory(storage: { getDirectory?(): Promise<unknown> } | undefined): Promise<boolean> {
  try {
    return (await storage?.getDirectory?.()) !== undefined;
  } catch {
    return false;
  }
}
