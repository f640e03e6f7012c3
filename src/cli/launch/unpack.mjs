/** Opens the brotli archives of @sparticuz/chromium with Node's zlib; a tar reader of the few features they use. */
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { brotliDecompressSync, createBrotliDecompress } from "node:zlib";

/**
 * The archives of @sparticuz/chromium, or null where the package is not installed (it is optional) or of no use.
 * @returns {{ folder: string, version: string } | null}
 */
export function archives() {
  if (process.platform !== "linux" || process.arch !== "x64") return null;
  try {
    const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
    const base = path.resolve(path.dirname(main), "../..");
    const { version } = JSON.parse(readFileSync(path.join(base, "package.json"), "utf8"));
    return { folder: path.join(base, "bin"), version };
  } catch {
    return null;
  }
}

/**
 * The folder `name` in `cache`, filled by `fill` the first time. It appears whole or not at all, also when two
 * processes fill it at once.
 * @param {string} cache
 * @param {string} name
 * @param {(folder: string) => Promise<void>} fill
 */
export async function unpackOnce(cache, name, fill) {
  const folder = path.join(cache, name);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    await fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/**
 * Writes the files of a .tar.br archive that `wanted` accepts.
 * @param {string} archive
 * @param {string} folder
 * @param {(name: string) => boolean} [wanted]
 */
export async function unpackTar(archive, folder, wanted = () => true) {
  for (const { name, bytes, executable } of tarFiles(brotliDecompressSync(readFileSync(archive)))) {
    if (!wanted(name)) continue;
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    await writeFile(file, bytes, { mode: executable ? 0o755 : 0o644 });
  }
}

/**
 * Writes one brotli-compressed program.
 * @param {string} archive
 * @param {string} file
 */
export async function unpackProgram(archive, file) {
  const chunks = { chunkSize: 2 ** 21 };
  await pipeline(createReadStream(archive), createBrotliDecompress(chunks), createWriteStream(file, { mode: 0o755 }));
}

const BLOCK = 512;

/**
 * The regular files of a tar archive in memory. Throws when a header is damaged or a name leaves the folder.
 * @param {Uint8Array} tar
 * @returns {{ name: string, bytes: Uint8Array, executable: boolean }[]}
 */
export function tarFiles(tar) {
  const files = [];
  let at = 0;
  while (at + BLOCK <= tar.length && tar[at] !== 0) {
    const header = tar.subarray(at, at + BLOCK);
    const prefix = text(header, 345, 155);
    const name = prefix ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100);
    const size = octal(header, 124, 12, name);
    const type = text(header, 156, 1);
    const start = at + BLOCK;
    if (start + size > tar.length) throw new Error(`tar: ${name} ends past the end of the archive`);
    if (type === "0" || type === "") {
      if (path.isAbsolute(name) || name.split("/").includes("..")) throw new Error(`tar: ${name} leaves its folder`);
      const executable = (octal(header, 100, 8, name) & 0o100) !== 0;
      files.push({ name, bytes: tar.subarray(start, start + size), executable });
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/**
 * @param {Uint8Array} header
 * @param {number} at
 * @param {number} length
 */
function text(header, at, length) {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString("utf8");
}

/**
 * @param {Uint8Array} header
 * @param {number} at
 * @param {number} length
 * @param {string} name
 */
function octal(header, at, length, name) {
  const digits = text(header, at, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw new Error(`tar: ${name} has the number "${digits}", expected octal digits`);
  return Number.parseInt(digits, 8);
}
