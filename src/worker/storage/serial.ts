/** Runs operations on one path, or on a folder and what is in it, one after the other; others run side by side. */

export type Serial = <T>(path: string, work: () => Promise<T>) => Promise<T>;

export function serialByPath(): Serial {
  const running = new Set<{ readonly path: string; readonly done: Promise<void> }>();
  return (path, work) => {
    const before = [...running].filter((other) => overlap(path, other.path)).map(({ done }) => done);
    const result = Promise.all(before).then(work);
    const entry = {
      path,
      done: result.then(
        () => {},
        () => {},
      ),
    };
    running.add(entry);
    void entry.done.then(() => running.delete(entry));
    return result;
  };
}

const overlap = (a: string, b: string) => a === b || within(a, b) || within(b, a);
const within = (inner: string, outer: string) => outer === "" || inner.startsWith(`${outer}/`);
