// A finding: a digit, or something that was not read.

/** @import { ReadAnswer } from "./api_types.js" */

/**
 * @typedef {object} Finding
 * @property {number} index Its place in reading order.
 * @property {number[]} box x, y, width and height, in the picture's pixels.
 * @property {string} frame The 28 x 28 gray values that the network saw, base64.
 * @property {number | null} digit Null if it was not read.
 * @property {number[] | null} probabilities Of each digit; null if it was not read.
 */

/**
 * Return the findings of an answer, in reading order.
 *
 * What the answer says of the picture as a whole is not among them.
 *
 * @param {ReadAnswer} answer With frames.
 * @returns {Finding[]}
 */
export function findingsOf({ lines, rejected }) {
  /** @type {Finding[]} */
  const findings = [];
  for (const { index, box, frame, digit, probabilities } of lines.flatMap((line) => line.digits)) {
    if (index !== undefined && frame !== undefined) {
      findings.push({ index, box, frame, digit, probabilities });
    }
  }
  for (const { index, box, frame } of rejected) {
    if (index !== undefined && frame !== undefined) {
      findings.push({ index, box, frame, digit: null, probabilities: null });
    }
  }
  return findings.sort((a, b) => a.index - b.index);
}
