/** A curve's points, in arrays that live outside React and may be longer than what is filled. */
export interface Points {
  /** Ascending. */
  readonly x: Float64Array;
  /** Non-finite values are gaps. */
  readonly y: Float64Array;
  /** How many of both are filled. */
  readonly count: number;
}
