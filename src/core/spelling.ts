/** A suggestion for a mistyped name. */

/** `; did you mean "seed"?` for the candidate nearest to a mistyped `name`, or nothing when none is near. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const plain = (text: string) => text.replace(/[-_]/g, "").toLowerCase();
  const typed = plain(name);
  const allowed = typed.length < 4 ? 1 : Math.max(2, typed.length / 3);
  const distance = (candidate: string) => editDistance(typed, plain(candidate));
  const [best] = [...candidates].sort((a, b) => distance(a) - distance(b));
  return best !== undefined && distance(best) <= allowed ? `; did you mean "${best}"?` : "";
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
