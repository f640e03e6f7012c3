/**
 * Waits that the loss of the device ends. A browser whose GPU process is gone may leave promises of the old device
 * unsettled for ever; whoever waits for one must hear of the loss all the same.
 */
export class Waits {
  private readonly open = new Set<(error: Error) => void>();
  private ended: Error | null = null;

  /** Settles as `promise` does, or rejects as soon as the waits are ended. */
  for<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.ended) reject(this.ended);
      // Not Promise.race with one promise of the loss: that would keep a reaction per wait until the device is gone.
      this.open.add(reject);
      const settled = () => this.open.delete(reject);
      promise.then(resolve, reject).then(settled, settled);
    });
  }

  /** Rejects every open wait, and all later ones. */
  end(error: Error): void {
    this.ended ??= error;
    for (const reject of this.open) reject(this.ended);
    this.open.clear();
  }
}
