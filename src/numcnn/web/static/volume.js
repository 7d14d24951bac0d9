// A volume: what a layer puts out, as rows, columns and feature maps.

import { decodeFloats } from "./base64.js";

/** @import { LayerOutput } from "./api_types.js" */

/** @typedef {[row: number, column: number, map: number]} Cell */

/**
 * A rectangle of a feature map, which may reach beyond its edges, into the padding.
 *
 * @typedef {object} Area
 * @property {number} row
 * @property {number} column
 * @property {number} rows
 * @property {number} columns
 */

/**
 * A vector has the shape [1, 1, length].
 *
 * @typedef {object} Volume
 * @property {string} name The layer's name.
 * @property {string} kind The layer's class.
 * @property {[rows: number, columns: number, maps: number]} shape
 * @property {string} size The shape as text.
 * @property {Float32Array} values In C order.
 */

/**
 * Decode the output of a layer.
 *
 * @param {LayerOutput} output Of shape [rows, columns, maps] or [length].
 * @returns {Volume}
 */
export function volumeOf({ name, kind, output: { shape, float32 } }) {
  const [rows, columns, maps] = shape.length === 3 ? shape : [1, 1, shape[0]];
  const values = decodeFloats(float32);
  return { name, kind, shape: [rows, columns, maps], size: shape.join(" × "), values };
}

/**
 * Say whether each feature map of a volume is a single number.
 *
 * @param {Volume} volume
 * @returns {boolean}
 */
export function isVector({ shape: [rows, columns] }) {
  return rows * columns === 1;
}

/**
 * Return the number in a cell.
 *
 * @param {Volume} volume
 * @param {Cell} cell
 * @param {number} [padding] What is returned outside of the volume's rows and columns.
 * @returns {number}
 */
export function valueAt({ shape, values }, [row, column, map], padding = 0) {
  if (row < 0 || column < 0 || row >= shape[0] || column >= shape[1]) return padding;
  return values[(row * shape[1] + column) * shape[2] + map];
}
