/** The page's requests grouped by host, and what they amount to in words. Pure. */
import { formatBytes, formatCount } from "../../core/units.ts";
import type { AppState } from "../state/app-state.ts";

type Request = AppState["requests"][number];

export interface HostGroup {
  readonly host: string;
  /** The page's own. */
  readonly own: boolean;
  readonly requests: readonly Request[];
  readonly count: number;
  /** Null when nobody counted. */
  readonly bytes: number | null;
}

/** Own files first, then the hosts by what came from them. */
export function groupByHost(requests: readonly Request[], origin: string): HostGroup[] {
  const hosts = new Map<string, Request[]>();
  for (const request of requests) {
    const host = originOf(request.url, origin);
    hosts.set(host, [...(hosts.get(host) ?? []), request]);
  }
  const groups = [...hosts].map(([from, list]): HostGroup => {
    const own = from === origin;
    const bytes = list.every(({ bytes }) => bytes === null) ? null : sum(list.map(({ bytes }) => bytes ?? 0));
    return { host: hostOf(from), own, requests: list, count: sum(list.map(({ count }) => count)), bytes };
  });
  return groups.sort((a, b) => Number(b.own) - Number(a.own) || (b.bytes ?? 0) - (a.bytes ?? 0));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function originOf(url: string, origin: string): string {
  // A relative address is the page's own; an unreadable one is shown as it is.
  return URL.canParse(url, origin) ? new URL(url, origin).origin : url;
}

const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).host : origin);

/** The path of a request inside its host; queries are left out when they are long, as signed addresses are. */
export function pathOf(url: string, origin: string): string {
  if (!URL.canParse(url, origin)) return url;
  const { pathname, search } = new URL(url, origin);
  return decoded(pathname) + (search.length > 40 ? "?…" : search);
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** Addresses by which the Hub's client makes a repository and commits to it. */
const PUSH = /\/api\/repos\/create|\/api\/(models|datasets|spaces)\/.+\/(preupload|commit)\/|\/info\/lfs\//;

/** Something was uploaded: only "Push to the Hub" does. */
export const wasPushed = (requests: readonly Request[]): boolean => requests.some(({ url }) => PUSH.test(url));

export const trustLabel = (requests: readonly Request[]): string =>
  wasPushed(requests) ? "Only what you pushed left this tab" : "Everything stays in this tab";

/** The list in a sentence or two. */
export function trustWords(requests: readonly Request[], groups: readonly HostGroup[]): string {
  const others = groups.filter(({ own }) => !own);
  if (others.length === 0) return "No request to another host was made.";
  const hosts = others.map(({ host }) => host);
  const count = sum(others.map(({ count }) => count));
  const bytes = sum(others.map(({ bytes }) => bytes ?? 0));
  const asked = `${formatCount(count)} ${count === 1 ? "request" : "requests"} went to ${listed(hosts)}, and ${formatBytes(bytes)} came back.`;
  return wasPushed(requests)
    ? `${asked} You pushed an adapter to the Hub; nothing else of yours was sent.`
    : `${asked} They fetch the model by its name; your data is in none of them.`;
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** Hosts that a Content-Security-Policy lets the page talk to, without the page itself; null when it does not say. */
export function allowedHosts(policy: string | null): string[] | null {
  const rules = (policy ?? "").split(";").map((rule) => rule.trim().split(/\s+/));
  const ruleOf = (name: string) => rules.find(([first]) => first === name);
  const connect = ruleOf("connect-src") ?? ruleOf("default-src");
  if (!connect) return null;
  const sources = connect.slice(1).filter((source) => !source.startsWith("'"));
  return sources.map((source) => source.replace(/^https?:\/\//, ""));
}

/** Why the list is complete, in a paragraph. */
export function policyWords(hosts: readonly string[] | null): string {
  if (hosts === null)
    return "This copy of the page was served without its Content-Security-Policy, as in development: the list above is what the page itself counted.";
  const others = hosts.length === 0 ? "nobody else" : `${listed(hosts)}, where models come from, and nobody else`;
  return `The page carries a Content-Security-Policy, a rule that the browser enforces: it may talk to the host it came from, to ${others}. There are no scripts, fonts or counters of third parties. Datasets, questions and adapters are read, trained and written by this tab alone.`;
}
