/** Where a WebGPU adapter may come from on this machine, best first. Looks and lists; nothing is tried here. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

/**
 * One way to an adapter. `environments` are tried in turn until Dawn finds an adapter in one of them: as the machine
 * is, then with the packaged Vulkan loader, for machines that have a driver but no libvulkan.so.1.
 * @typedef {{ name: string, accept: "gpu" | "any", environments: Environment[] }} Candidate
 * @typedef {Record<string, string>} Environment
 *
 * What the choice depends on: `icdFiles` describe Vulkan drivers, `packaged` is the folder of SwiftShader and its
 * loader (null where there is none).
 * @typedef {{ platform: string, env: NodeJS.ProcessEnv, icdFiles: string[], packaged: string | null }} Machine
 */

/** Name of the candidate that the user chose through Vulkan's own variables. */
export const CHOSEN = "VK_DRIVER_FILES";
const NVIDIA_IN_CONTAINERS = "/usr/local/nvidia/share";

/**
 * Folders in which Vulkan drivers announce themselves (the loader's own search order), and where the container
 * runtime of NVIDIA puts its driver.
 * @param {NodeJS.ProcessEnv} env
 */
export function icdFolders(env) {
  const home = env.HOME ?? "";
  const lists = [
    env.XDG_CONFIG_HOME || (home && path.join(home, ".config")),
    env.XDG_CONFIG_DIRS || "/etc/xdg",
    "/etc",
    env.XDG_DATA_HOME || (home && path.join(home, ".local/share")),
    env.XDG_DATA_DIRS || "/usr/local/share:/usr/share",
    NVIDIA_IN_CONTAINERS,
  ];
  const bases = lists.flatMap((list) => (list ?? "").split(":")).filter((base) => base !== "");
  return [...new Set(bases)].map((base) => path.join(base, "vulkan", "icd.d"));
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string[]} paths of driver descriptions, by folder and name
 */
export function findIcdFiles(env) {
  return icdFolders(env).flatMap((folder) => {
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    return names.sort().map((name) => path.join(folder, name));
  });
}

/**
 * Candidates in the order of trial. `LORIKEET_VULKAN` (system, lavapipe, swiftshader or a driver's .json) leaves only
 * what it names. A driver the user chose through Vulkan's own variables comes first.
 * @param {Machine} machine
 * @returns {Candidate[]}
 */
export function listCandidates(machine) {
  const wish = machine.env.LORIKEET_VULKAN;
  if (wish) return wished(wish, machine);
  if (machine.platform !== "linux") return [{ name: "system", accept: "any", environments: [{}] }];

  const chosen = machine.env.VK_DRIVER_FILES || machine.env.VK_ICD_FILENAMES;
  // The loader sees no other driver than the chosen one, so "system" would be the same trial again.
  const first = chosen ? [driver(CHOSEN, chosen, machine)] : [system("gpu", machine), ...nvidiaInContainer(machine)];
  const last = chosen ? [] : [system("any", machine)];
  return [...first, ...lavapipe(machine), ...swiftshader(machine), ...last];
}

/**
 * @param {string} wish
 * @param {Machine} machine
 * @returns {Candidate[]}
 */
function wished(wish, machine) {
  if (wish === "system") return [system("any", machine)];
  if (wish === "lavapipe") return lavapipe(machine);
  if (wish === "swiftshader") return swiftshader(machine);
  return [driver(wish, wish, machine)];
}

/**
 * The drivers that the Vulkan loader finds by itself.
 * @param {"gpu" | "any"} accept
 * @param {Machine} machine
 * @returns {Candidate}
 */
const system = (accept, machine) => ({ name: "system", accept, environments: withLoader({}, machine) });

/**
 * @param {Machine} machine
 * @returns {Candidate[]}
 */
function lavapipe(machine) {
  const files = machine.icdFiles.filter((file) => /^(lvp|lavapipe)/.test(path.basename(file)));
  return files.map((file) => driver("lavapipe", file, machine));
}

/**
 * @param {Machine} machine
 * @returns {Candidate[]}
 */
function nvidiaInContainer(machine) {
  const files = machine.icdFiles.filter((file) => file.startsWith(NVIDIA_IN_CONTAINERS));
  return files.map((file) => ({ ...driver("nvidia", file, machine), accept: "gpu" }));
}

/**
 * @param {Machine} machine
 * @returns {Candidate[]}
 */
function swiftshader(machine) {
  if (!machine.packaged) return [];
  const file = path.join(machine.packaged, "vk_swiftshader_icd.json");
  const environment = { ...only(file), ...loader(machine.packaged, machine.env) };
  return [{ name: "swiftshader", accept: "any", environments: [environment] }];
}

/**
 * @param {string} name
 * @param {string} file
 * @param {Machine} machine
 * @returns {Candidate}
 */
const driver = (name, file, machine) => ({ name, accept: "any", environments: withLoader(only(file), machine) });

/** Both names of the variable: older loaders know only the second. @param {string} file @returns {Environment} */
const only = (file) => ({ VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file });

/**
 * @param {Environment} environment
 * @param {Machine} machine
 * @returns {Environment[]}
 */
function withLoader(environment, { packaged, env }) {
  return packaged ? [environment, { ...environment, ...loader(packaged, env) }] : [environment];
}

/**
 * @param {string} packaged
 * @param {NodeJS.ProcessEnv} env
 * @returns {Environment}
 */
function loader(packaged, env) {
  const before = env.LD_LIBRARY_PATH;
  return { LD_LIBRARY_PATH: before ? `${packaged}:${before}` : packaged };
}
