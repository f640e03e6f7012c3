/** Which runs are on, in this tab or another: a lock that dies with its tab tells a run that goes on from one that broke off. */

const nameOf = (id: string) => `lorikeet run ${id}`;

const locks = (): LockManager | null => (typeof navigator === "undefined" ? null : (navigator.locks ?? null));

/** Runs `work` while holding the run's lock; null when another tab holds it. Without locks it just works. */
export async function lockRun<T>(id: string, work: () => Promise<T>): Promise<T | null> {
  const manager = locks();
  if (!manager) return work();
  return manager.request(nameOf(id), { ifAvailable: true }, (lock) => (lock ? work() : null)) as Promise<T | null>;
}

/** Ids of the runs that are on in some tab. */
export async function lockedRuns(): Promise<ReadonlySet<string>> {
  const held = (await locks()?.query())?.held ?? [];
  const prefix = nameOf("");
  return new Set(held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : [])));
}
