/** What a test asks of the frame page, and gets: plain data. */

/** Of one landmark or card, in CSS pixels. */
export interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  /** Width that the page has, without a scroll bar. */
  readonly width: number;
  /** How far the page is wider than that. */
  readonly overflow: number;
  readonly boxes: readonly Box[];
  /** Text of the page's main part. */
  readonly text: string;
}

/** The page's one function: shows an address at this size, and measures once nothing moves any more. */
export interface FramePage {
  layoutOf(address: string, width: number, height: number): Promise<Layout>;
}
