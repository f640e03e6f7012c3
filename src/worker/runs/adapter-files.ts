/** Dropped files of an adapter as a folder to read: MLX's or PEFT's two files, or llama.cpp's one. */
import type { ModelSource } from "../../core/bytes.ts";
import { modelError } from "../../core/errors.ts";
import { listed } from "../../core/units.ts";
import { blobSource, type DroppedFile } from "../models/files-source.ts";

const TENSORS = /(^|\/)(adapters|adapter_model)\.safetensors$|\.gguf$/;

/**
 * The folder that holds the tensors, wherever the drop has it.
 * @throws ModelError when there is no adapter in it, listing what came, or more than one.
 */
export function adapterFiles(dropped: readonly DroppedFile[]): ModelSource {
  const files = dropped.map(({ path, file }) => ({ path: path.replace(/^(\.?\/)+/, ""), file }));
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);
  const folders = [...new Set(files.filter(({ path }) => TENSORS.test(path)).map(({ path }) => folderOf(path)))].sort();
  const [folder, ...others] = folders;
  if (folder === undefined) {
    throw modelError(
      `expected adapters.safetensors, adapter_model.safetensors or a .gguf file, got ${listed(files.map(({ path }) => path)) || "no files"}`,
      "Drop the folder of an adapter, or its GGUF file. A model belongs in the Model card.",
    );
  }
  if (others.length > 0) throw modelError(`expected one adapter, got ${listed(folders)}`, "Drop the folder of one.");
  const own = new Map(
    files.flatMap(({ path, file }) => (folderOf(path) === folder ? [[path.slice(folder.length), file]] : [])),
  );
  return {
    label: folder === "" ? "the dropped files" : folder.slice(0, -1),
    list: async () => [...own.keys()].sort(),
    async open(path) {
      const file = own.get(path);
      return file === undefined ? null : blobSource(path, file);
    },
  };
}

/** What the adapter is called where it is shown: its folder, else the file that holds the tensors. */
export function adapterTitle(dropped: readonly DroppedFile[]): string {
  const path = dropped.map((file) => file.path).find((name) => TENSORS.test(name)) ?? "";
  const parts = path.replace(/^(\.?\/)+/, "").split("/");
  return parts.at(-1)!.endsWith(".gguf") ? parts.at(-1)! : (parts.at(-2) ?? parts.at(-1)!);
}
