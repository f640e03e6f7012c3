/** What happens in a run, to the page and to the store, in batches: a quick model makes hundreds of updates a second. */
import type { Context } from "../context.ts";
import type { RunEvent } from "../protocol.ts";
import type { RunFolder } from "../runs/run-folder.ts";

/** Milliseconds between two batches. */
const EVERY = 100;

export class EventBatcher {
  private readonly context: Context;
  private readonly folder: RunFolder;
  private waiting: RunEvent[] = [];
  private any = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private writing: Promise<void> = Promise.resolve();

  constructor(context: Context, folder: RunFolder) {
    this.context = context;
    this.folder = folder;
  }

  /** Something has happened that took a working GPU: what was looked at before the start is none. */
  get begun(): boolean {
    return this.any;
  }

  /** The first is told at once, those that follow within a moment together. */
  add(event: RunEvent): void {
    this.any ||= "step" in event;
    this.waiting.push(event);
    if (this.timer !== null) return;
    this.send();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.send();
    }, EVERY);
  }

  /** Everything is told and written when it resolves. Throws what the store could not write. */
  async flush(): Promise<void> {
    this.send();
    await this.writing;
  }

  /** Everything so far is told now, so that a state does not overtake what led to it. */
  send(): void {
    if (this.waiting.length === 0) return;
    const events = this.waiting;
    this.waiting = [];
    this.context.publish({ type: "progress", events });
    this.writing = this.writing.then(() => this.folder.addEvents(events));
    this.writing.catch(() => {}); // `flush` throws it
  }
}
