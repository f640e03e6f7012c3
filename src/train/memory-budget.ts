/**
 * How much memory training may use on this computer. No browser tells how much GPU memory is free, so the budget comes
 * from the computer's memory and is on the safe side; a plan is compared with it before anything is downloaded.
 *
 * Where the numbers come from, for a Mac, whose processors share one memory:
 * - Metal recommends a working set of about 65 to 75 % of the memory; above it the system swaps or ends the GPU process.
 * - The system and the browser themselves take about 4 GiB.
 * - Safari ends a page at 8 GiB on computers of up to 16 GiB and at 16 GiB on larger ones, its GPU buffers included. The
 *   page needs some of that for itself. Only browsers without that limit report `navigator.deviceMemory`.
 * On a computer with a graphics card of its own, the card's memory is what to pick.
 */
import { formatBytes } from "../core/units.ts";

const GIB = 2 ** 30;

/** Sizes to pick from, in GiB. */
export const MEMORY_CHOICES = [8, 16, 24, 32, 48, 64, 96, 128] as const;

/** The smallest Mac that has WebGPU: assumed where nothing is known. */
const SMALLEST = 8;
const WORKING_SET = 0.65;
const SYSTEM_BYTES = 4 * GIB;
/** Of a page's limit, for its scripts, the file slices on their way to the GPU, and the browser's own copies. */
const PAGE_BYTES = GIB;
/** Up to this share of the budget there is room for what a plan cannot know: other programs, a second tab. */
const COMFORTABLE = 0.8;

export interface MemoryFacts {
  /** navigator.deviceMemory, in GiB; absent in Safari and Firefox, and never above what the browser is willing to say. */
  readonly reported?: number | undefined;
  /** What the person says this computer has, in GiB. */
  readonly chosen?: number | undefined;
  /** The GPU may have memory of its own, of which the computer's says little. */
  readonly apart?: boolean | undefined;
}

export interface MemoryBudget {
  /** For everything on the GPU together. */
  readonly bytes: number;
  /** GiB of memory it was derived from. */
  readonly memory: number;
  readonly source: "chosen" | "reported" | "assumed";
  /** What bounds it. */
  readonly bound: "memory" | "page";
  /** A person said so, and it is the memory that the GPU uses: it can be used up. */
  readonly sure: boolean;
}

/** The budget in bytes; what the person picked goes before what the browser reports. */
export function memoryBudget({ reported, chosen, apart = false }: MemoryFacts): MemoryBudget {
  const known = usable(chosen) ? "chosen" : usable(reported) ? "reported" : "assumed";
  const memory = { chosen, reported, assumed: SMALLEST }[known]!;
  const bytes = memory * GIB;
  // Below 8 GiB the system takes less, and half is what is left.
  const ofMemory = Math.floor(Math.min(WORKING_SET * bytes, Math.max(bytes - SYSTEM_BYTES, bytes / 2)));
  const ofPage = (memory <= 16 ? 8 : 16) * GIB - PAGE_BYTES;
  const limited = !usable(reported) && ofPage < ofMemory;
  // What a browser reports is the computer's, beside which there may be a card of a few GiB.
  const sure = known === "chosen" && !apart;
  return { bytes: limited ? ofPage : ofMemory, memory, source: known, bound: limited ? "page" : "memory", sure };
}

/** The budget of this computer, of which the person says that it has `chosen` GiB, or nothing. */
export function deviceBudget(chosen: number | null): MemoryBudget {
  const { navigator } = globalThis as { readonly navigator?: { readonly deviceMemory?: number } };
  return memoryBudget({ reported: navigator?.deviceMemory, chosen: chosen ?? undefined });
}

const usable = (gib: number | undefined): gib is number => gib !== undefined && Number.isFinite(gib) && gib > 0;

export interface Fit {
  readonly verdict: "fits" | "tight" | "too-large";
  /** Share of the budget. */
  readonly share: number;
  readonly words: string;
}

/** What a plan may come to and still be judged "fits". */
export const comfortableBytes = ({ bytes }: Pick<MemoryBudget, "bytes">): number => Math.floor(COMFORTABLE * bytes);

/** How a plan's highest total, in bytes, stands against the budget. */
export function fits(peakBytes: number, { bytes }: MemoryBudget): Fit {
  const share = peakBytes / bytes;
  const [needs, has] = [formatBytes(peakBytes), formatBytes(bytes)];
  if (share <= COMFORTABLE) return { verdict: "fits", share, words: `Fits: ${needs} of about ${has}.` };
  if (share <= 1) {
    return { verdict: "tight", share, words: `Tight: ${needs} of about ${has}. Close other programs and tabs first.` };
  }
  const words =
    `Too large: needs ${needs}, this computer has about ${has} for it. ` +
    "Choose a smaller model, shorter texts or a smaller batch.";
  return { verdict: "too-large", share, words };
}
