// An explanation: how a layer came to the number in one cell, computed again from the layer's own
// settings and arrays.

import { isVector, valueAt } from "./volume.js";

/** @import { Area, Cell, Volume } from "./volume.js" */

/** @typedef {[name: string, value: number]} NamedNumber */

/**
 * @typedef {object} Grid
 * @property {string} title
 * @property {number[][]} rows
 */

/**
 * @typedef {object} Explanation
 * @property {number} sum The number that the computation ends in.
 * @property {NamedNumber[]} [terms] What is added up to it.
 * @property {string} [sumName] What to call it, if it is no sum.
 * @property {string} [text] The computation in a sentence.
 * @property {NamedNumber[]} [inputs] The numbers that enter the computation.
 * @property {Grid[]} [grids] The numbers that enter it, as windows of feature maps.
 * @property {number} [best] The number to point out in the grids.
 * @property {Area} [area] The part of the volume below that the cell was computed from.
 * @property {number} [map] The feature map of the volume below that is shown.
 * @property {number} [maps] How many there are to choose from.
 */

/**
 * What a layer computes with.
 *
 * @typedef {object} Layer
 * @property {string} kind Its class, such as "Conv2D".
 * @property {Record<string, unknown>} settings
 * @property {Record<string, Float32Array>} arrays In C order.
 */

/**
 * @callback Explain
 * @param {Layer} layer
 * @param {Volume} below The layer's input.
 * @param {Cell} cell The cell of its output.
 * @param {number} [map] The feature map of the input to show; the strongest by default.
 * @returns {Explanation}
 */

// Settings as the layers in numcnn.nn.layers write them.

/** @typedef {number | [number, number]} Pair */
/** @typedef {"same" | "valid"} Padding */
/**
 * @typedef {object} Conv2DSettings
 * @property {number} filters
 * @property {Pair} kernel_size
 * @property {Pair} stride
 * @property {Padding} padding
 */
/**
 * @typedef {object} MaxPool2DSettings
 * @property {Pair} pool_size
 * @property {Pair | null} stride
 * @property {Padding} padding
 */
/** @typedef {{ units: number }} DenseSettings */
/** @typedef {{ epsilon: number }} BatchNormSettings */

const LARGEST_PRODUCTS = 8; // so many of a dense layer's products are shown one by one

/** @type {Record<string, Explain>} */
const EXPLAIN = {
  Conv2D({ settings, arrays }, below, [row, column, filter], chosen) {
    const { filters, kernel_size, stride, padding } = /** @type {Conv2DSettings} */ (settings);
    const size = pair(kernel_size);
    const area = windowOf(below, [row, column], size, pair(stride), padding);
    const maps = below.shape[2];
    const parts = Array.from({ length: maps }, (_, map) => {
      const patch = patchOf(below, area, map, 0);
      const kernel = patch.map((line, i) => line.map((_value, j) => {
        const place = ((i * size[1] + j) * maps + map) * filters + filter;
        return arrays.weight[place];
      }));
      const products = patch.map((line, i) => line.map((value, j) => value * kernel[i][j]));
      return { patch, kernel, products, sum: total(products.flat()) };
    });
    const map = chosen ?? strongest(parts.map((part) => part.sum));
    const all = total(parts.map((part) => part.sum));
    const { patch, kernel, products, sum } = parts[map];
    const bias = arrays.bias?.[filter];
    const isSingle = maps === 1;
    /** @type {NamedNumber[]} */
    const terms = [[isSingle ? "sum of the products" : "sum of these products", sum]];
    if (!isSingle) terms.push([`sums of the ${maps - 1} other maps`, all - sum]);
    if (bias !== undefined) terms.push(["bias", bias]);
    const title = isSingle
      ? "The patch of the layer below"
      : `The patch, on map ${map} of the layer below`;
    const grids = [
      { title, rows: patch },
      { title: "The filter", rows: kernel },
      { title: "The products", rows: products },
    ];
    return { area, map, maps, grids, terms, sum: all + (bias ?? 0) };
  },

  MaxPool2D({ settings }, below, [row, column, map]) {
    const { pool_size, stride, padding } = /** @type {MaxPool2DSettings} */ (settings);
    const size = pair(pool_size);
    const area = windowOf(below, [row, column], size, pair(stride ?? pool_size), padding);
    const rows = patchOf(below, area, map, -Infinity);
    const sum = Math.max(...rows.flat());
    const grids = [{ title: "The patch of the layer below; the largest stays", rows }];
    return { area, map, grids, best: sum, sum, sumName: "the largest" };
  },

  Dense({ settings, arrays }, below, [, , unit]) {
    const { units } = /** @type {DenseSettings} */ (settings);
    const products = Array.from(below.values, (value, place) => ({
      place,
      value: value * arrays.weight[place * units + unit],
    }));
    const all = total(products.map(({ value }) => value));
    const largest = products
      .toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value))
      .slice(0, LARGEST_PRODUCTS);
    const rest = all - total(largest.map(({ value }) => value));
    const bias = arrays.bias?.[unit];
    /** @type {NamedNumber[]} */
    const terms = largest.map(({ place, value }) => [placeName(below, place), value]);
    terms.push(["all others together", rest]);
    if (bias !== undefined) terms.push(["bias", bias]);
    const count = products.length.toLocaleString("en");
    const text =
      `Each of the ${count} numbers below, times a weight of its own. The largest products:`;
    return { text, terms, sum: all + (bias ?? 0) };
  },

  BatchNorm({ settings, arrays }, below, cell) {
    const { epsilon } = /** @type {BatchNormSettings} */ (settings);
    const map = cell[2];
    const x = valueAt(below, cell);
    const [mean, variance] = [arrays.mean[map], arrays.variance[map]];
    const [gamma, beta] = [arrays.gamma[map], arrays.beta[map]];
    const scaled = gamma * ((x - mean) / Math.sqrt(variance + epsilon));
    return {
      area: areaOf(cell), map, sum: scaled + beta,
      text: "Brought to the scale of the training data, then scaled and shifted: "
        + "γ (x − mean) / √(variance + ε) + β",
      inputs: [["x, the cell below", x], ["mean", mean], ["variance", variance], ["γ", gamma]],
      terms: [["γ (x − mean) / √(variance + ε)", scaled], ["β", beta]],
    };
  },

  Normalization({ arrays }, below, cell) {
    const map = cell[2];
    const x = valueAt(below, cell);
    const mean = arrays.mean[map];
    const deviation = Math.sqrt(arrays.variance[map]);
    return {
      area: areaOf(cell), map, sum: (x - mean) / deviation,
      text: "The pixel, brought to mean 0 and variance 1 over the training data: "
        + "(x − mean) / √variance",
      inputs: [["x, the pixel", x], ["mean", mean], ["√variance", deviation]],
    };
  },

  ReLU(_layer, below, cell) {
    const x = valueAt(below, cell);
    return {
      area: areaOf(cell), map: cell[2], sum: Math.max(0, x),
      text: "The cell below, or 0 if that is below 0: max(0, x)",
      inputs: [["x, the cell below", x]],
    };
  },
};

/**
 * Explain a cell of a layer's output.
 *
 * @param {Layer} layer
 * @param {Volume} below The layer's input.
 * @param {Cell} cell The cell of its output.
 * @param {number} [map] The feature map of the input to show, if the cell was computed from
 *   several; by default the one with the strongest effect.
 * @returns {Explanation | null} Null for a kind of layer that has no explanation.
 */
export function explain(layer, below, cell, map) {
  return EXPLAIN[layer.kind]?.(layer, below, cell, map) ?? null;
}

/**
 * Return where a sliding window lies, by TensorFlow's rule for padding
 * (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
 *
 * @param {Volume} below
 * @param {[row: number, column: number]} place Of the window's output.
 * @param {[number, number]} size
 * @param {[number, number]} stride
 * @param {Padding} padding
 * @returns {Area}
 */
function windowOf(below, place, size, stride, padding) {
  const [row, column] = [0, 1].map((axis) => {
    const length = below.shape[axis];
    const count = Math.ceil(length / stride[axis]);
    const missing = Math.max(0, (count - 1) * stride[axis] + size[axis] - length);
    return place[axis] * stride[axis] - (padding === "same" ? Math.floor(missing / 2) : 0);
  });
  return { row, column, rows: size[0], columns: size[1] };
}

/**
 * Return the numbers of a feature map in an area.
 *
 * @param {Volume} volume
 * @param {Area} area
 * @param {number} map
 * @param {number} padding What stands outside of the volume.
 * @returns {number[][]}
 */
function patchOf(volume, area, map, padding) {
  return Array.from({ length: area.rows }, (_row, i) =>
    Array.from({ length: area.columns }, (_column, j) =>
      valueAt(volume, [area.row + i, area.column + j, map], padding)));
}

/**
 * Return the area that is only a cell.
 *
 * @param {Cell} cell
 * @returns {Area}
 */
function areaOf([row, column]) {
  return { row, column, rows: 1, columns: 1 };
}

/**
 * Name a number of a volume that is flattened.
 *
 * @param {Volume} volume
 * @param {number} place
 * @returns {string}
 */
function placeName(volume, place) {
  if (isVector(volume)) return `number ${place}`;
  const [, columns, maps] = volume.shape;
  const cell = Math.floor(place / maps);
  return `map ${place % maps}, row ${Math.floor(cell / columns)}, column ${cell % columns}`;
}

/**
 * Return a setting for height and width, which may be given as one number.
 *
 * @param {Pair} value
 * @returns {[number, number]}
 */
function pair(value) {
  return Array.isArray(value) ? value : [value, value];
}

/**
 * Add numbers up, in their order.
 *
 * @param {number[]} values
 * @returns {number}
 */
function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * Return the place of the number that is furthest from 0.
 *
 * @param {number[]} values
 * @returns {number}
 */
function strongest(values) {
  const sizes = values.map(Math.abs);
  return sizes.reduce((best, size, i) => (size > sizes[best] ? i : best), 0);
}
