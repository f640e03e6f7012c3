/**
 * A dropped folder as a `ModelSource`. The model is the folder that holds config.json, wherever the drop has it; files are
 * read by slice, so their size does not matter. Nothing leaves the machine.
 */
import { type ByteSource, checkRange, type ModelSource } from "../../core/bytes.ts";
import { modelError } from "../../core/errors.ts";

export interface DroppedFile {
  /** With "/" between folders, as the drop or the file chooser gives it. */
  readonly path: string;
  readonly file: Blob;
}

const CONFIG = "config.json";

/**
 * @param label for messages; when absent the folder's own name.
 * @throws ModelError when there is no config.json, listing what came, or when it could be one of several models.
 */
export function filesSource(dropped: readonly DroppedFile[], label?: string): ModelSource {
  const files = dropped.map(({ path, file }) => ({ path: path.replace(/^(\.?\/)+/, ""), file }));
  const folder = modelFolder(files.map(({ path }) => path));
  const name = label ?? (folder.split("/").at(-2) || "folder");
  const byPath = new Map(
    files
      .filter(({ path }) => path.startsWith(folder))
      .map(({ path, file }) => [path.slice(folder.length), file] as const),
  );
  return {
    label: name,
    async list() {
      return [...byPath.keys()].sort();
    },
    async open(path) {
      const file = byPath.get(path);
      return file === undefined ? null : blobSource(`${name}/${path}`, file);
    },
  };
}

/** The prefix of the model's paths: "" or ending in "/". The outermost config.json counts: parts have theirs inside. */
function modelFolder(paths: readonly string[]): string {
  const folders = paths
    .filter((path) => path === CONFIG || path.endsWith(`/${CONFIG}`))
    .map((path) => path.slice(0, -CONFIG.length));
  const depth = (folder: string) => folder.split("/").length;
  const outermost = Math.min(...folders.map(depth));
  const [folder, ...others] = folders.filter((candidate) => depth(candidate) === outermost);
  if (folder === undefined) throw noConfig(paths);
  if (others.length === 0) return folder;
  throw modelError(
    `expected one model, got ${1 + others.length}: ${[folder, ...others].sort().join(", ")}`,
    "Drop the folder of one model.",
  );
}

function noConfig(paths: readonly string[]): Error {
  const sorted = [...paths].sort();
  const shown = sorted.length > 12 ? [...sorted.slice(0, 12), `… and ${sorted.length - 12} more`] : sorted;
  const adapter = paths.some((path) => path.endsWith("adapter_config.json"));
  return modelError(
    `expected a folder with ${CONFIG}, got ${shown.join(", ") || "no files"}`,
    adapter
      ? "This is an adapter. Drop the folder of the model it was trained on."
      : "Drop the folder that holds the model's files: config.json, tokenizer.json and model.safetensors.",
  );
}

export function blobSource(name: string, file: Blob): ByteSource {
  return {
    name,
    size: file.size,
    async read(begin, end) {
      checkRange({ name, size: file.size }, begin, end);
      const bytes = await file
        .slice(begin, end)
        .arrayBuffer()
        .catch((error) => {
          throw gone(name, String(error));
        });
      if (bytes.byteLength !== end - begin) throw gone(name, `${bytes.byteLength} of ${end - begin} bytes`);
      return new Uint8Array(bytes);
    },
  };
}

/** Browsers refuse a file that was changed, moved or deleted since it was dropped. */
const gone = (name: string, came: string) =>
  modelError(
    `${name}: expected the file as it was dropped, got ${came}`,
    "It was changed or moved since. Drop the folder again.",
  );
