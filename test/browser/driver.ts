/** What the tests ask of any browser, whatever drives it. */
export interface Driver {
  readonly version: string;
  goto(url: string): Promise<void>;
  /** The value of an expression in the page, or of the promise that it gives, as JSON. */
  evaluate<T>(expression: string): Promise<T>;
  close(): Promise<void>;
}
