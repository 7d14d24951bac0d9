// Examples: digits as strokes on a field of 60 x 100, for whoever has no idea what to draw.

/** @import { Point } from "./stroke.js" */

/** What the example buttons write; the letter shows what happens to something that is no digit. */
export const EXAMPLES = ["3", "7", "4071", "256", "A"];

/** @type {Record<string, Point[][]>} */
const STROKES = {
  0: [
    [[31, 8], [17, 14], [8, 35], [7, 58], [13, 82], [26, 93], [41, 90], [52, 70], [54, 45],
      [49, 22], [39, 10], [29, 9]],
  ],
  1: [
    [[18, 26], [33, 9], [33, 50], [32, 92]],
  ],
  2: [
    [[10, 28], [17, 13], [32, 8], [46, 16], [48, 33], [38, 53], [22, 73], [9, 90], [30, 88],
      [54, 90]],
  ],
  3: [
    [[10, 16], [25, 8], [43, 12], [48, 27], [40, 41], [25, 47], [42, 52], [52, 67], [46, 85],
      [28, 93], [9, 86]],
  ],
  4: [
    [[30, 8], [20, 34], [9, 60], [32, 59], [55, 57]],
    [[42, 34], [41, 64], [40, 94]],
  ],
  5: [
    [[48, 9], [17, 10], [14, 44], [31, 40], [47, 50], [51, 68], [43, 86], [26, 93], [8, 86]],
  ],
  6: [
    [[42, 8], [25, 23], [12, 48], [9, 72], [20, 90], [38, 92], [50, 78], [46, 60], [31, 53],
      [15, 62], [10, 73]],
  ],
  7: [
    [[8, 13], [29, 11], [53, 11], [42, 37], [31, 64], [23, 93]],
  ],
  8: [
    [[46, 19], [32, 8], [16, 17], [18, 34], [33, 48], [48, 64], [49, 82], [33, 93], [15, 85],
      [13, 68], [27, 51], [44, 36], [47, 20]],
  ],
  9: [
    [[48, 24], [36, 9], [19, 13], [11, 30], [19, 47], [36, 46], [48, 28], [50, 22], [47, 50],
      [40, 92]],
  ],
  A: [
    [[6, 93], [20, 45], [31, 8], [42, 46], [55, 93]],
    [[14, 62], [31, 61], [47, 62]],
  ],
};

/**
 * Write characters next to each other, in the middle of a field.
 *
 * @param {string} text Characters of EXAMPLES.
 * @param {number} width
 * @param {number} height
 * @returns {Point[][]} The points of each stroke.
 */
export function strokesOf(text, width, height) {
  const scale = text.length > 1 ? 1.55 : 2.6;
  const advance = 60 * scale + 32;
  const left = (width - advance * text.length + 32) / 2;
  const top = (height - 100 * scale) / 2;
  return [...text].flatMap((name, place) => {
    /** @type {(point: Point) => Point} */
    const move = ([x, y]) => [left + place * advance + x * scale, top + y * scale];
    return STROKES[name].map((points) => points.map(move));
  });
}
