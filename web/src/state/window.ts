// Virtual scrolling: which of `count` rows of equal height are on the screen. Pure.
export interface RowWindow {
  first: number; // index of the first row to render
  last: number; // one past the last
  before: number; // px of the rows above
  after: number; // px of the rows below
}

/** Browsers clamp an element's height; Firefox at about 17.8 million px. 10 000 rows of 44 px are far below. */
export const MAX_HEIGHT_PX = 15_000_000;

export function rowWindow(scrollTop: number, viewport: number, rowHeight: number, count: number, overscan = 6): RowWindow {
  if (count <= 0 || rowHeight <= 0) return { first: 0, last: 0, before: 0, after: 0 };
  const highest = Math.max(0, count * rowHeight - viewport);
  const top = Math.min(Math.max(0, scrollTop), highest);
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const last = Math.min(count, Math.ceil((top + Math.max(0, viewport)) / rowHeight) + overscan);
  return { first, last, before: first * rowHeight, after: (count - last) * rowHeight };
}

/** The scroll position that shows row `index` whole, nearest to the present one. */
export function scrollToRow(index: number, scrollTop: number, viewport: number, rowHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + viewport) return top + rowHeight - viewport;
  return scrollTop;
}
