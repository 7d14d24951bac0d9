// One cell: how a layer came to a number, done again with the layer's own numbers.
//
// A volume is what a layer puts out: { name, kind, shape: [rows, columns, maps], values }, and a
// vector is a volume of shape [1, 1, length]. Each function says which part of the volume below a
// cell comes from and what is done with it; the last line of every sum is the cell's number.

/** Where a sliding window lies; TensorFlow's rule for padding. */
function windowOf(settings, size, stride, below, row, column) {
  const start = (place, axis) => {
    const [length, count] = [below.shape[axis], Math.ceil(below.shape[axis] / stride[axis])];
    const missing = Math.max(0, (count - 1) * stride[axis] + size[axis] - length);
    const before = settings.padding === "same" ? Math.floor(missing / 2) : 0;
    return place * stride[axis] - before;
  };
  return { row: start(row, 0), column: start(column, 1), rows: size[0], columns: size[1] };
}

const pair = (value) => (Array.isArray(value) ? value : [value, value]);

/** A volume's number; outside of its rows and columns there is padding. */
export function at({ shape, values }, row, column, map, outside = 0) {
  if (row < 0 || column < 0 || row >= shape[0] || column >= shape[1]) return outside;
  return values[(row * shape[1] + column) * shape[2] + map];
}

/** The window of a volume as rows of numbers, of one map. */
function patchOf(volume, area, map, outside) {
  return Array.from({ length: area.rows }, (_, i) =>
    Array.from({ length: area.columns }, (_, j) => at(volume, area.row + i, area.column + j, map, outside)));
}

const EXPLAIN = {
  Conv2D({ settings, arrays }, below, [row, column, filter], chosen) {
    const [size, stride] = [pair(settings.kernel_size), pair(settings.stride)];
    const area = windowOf(settings, size, stride, below, row, column);
    const [maps, filters] = [below.shape[2], settings.filters];
    const weight = arrays.weight.values;
    const parts = Array.from({ length: maps }, (_, map) => {
      const patch = patchOf(below, area, map);
      const kernel = patch.map((line, i) =>
        line.map((_, j) => weight[((i * size[1] + j) * maps + map) * filters + filter]));
      const products = patch.map((line, i) => line.map((value, j) => value * kernel[i][j]));
      return { patch, kernel, products, sum: products.flat().reduce((sum, value) => sum + value, 0) };
    });
    const map = chosen ?? strongest(parts);
    const total = parts.reduce((sum, part) => sum + part.sum, 0);
    const bias = arrays.bias?.values[filter];
    const one = maps === 1;
    return {
      area, map, maps, sum: total + (bias ?? 0),
      grids: [
        [one ? "The patch of the layer below" : `The patch, on map ${map} of the layer below`, parts[map].patch],
        ["The filter", parts[map].kernel],
        ["The products", parts[map].products],
      ],
      lines: [
        [one ? "sum of the products" : `sum of these products`, parts[map].sum],
        ...(one ? [] : [[`sums of the ${maps - 1} other maps`, total - parts[map].sum]]),
        ...(bias === undefined ? [] : [["bias", bias]]),
      ],
    };
  },

  MaxPool2D({ settings }, below, [row, column, map]) {
    const size = pair(settings.pool_size);
    const area = windowOf(settings, size, pair(settings.stride ?? settings.pool_size), below, row, column);
    const patch = patchOf(below, area, map, -Infinity);
    const sum = Math.max(...patch.flat());
    return { area, map, sum, best: sum, grids: [["The patch of the layer below; the largest stays", patch]], lines: [], word: "the largest" };
  },

  Dense({ settings, arrays }, below, [, , unit]) {
    const weight = arrays.weight.values;
    const [, columns, maps] = below.shape;
    const products = Array.from(below.values, (value, place) => [value * weight[place * settings.units + unit], place]);
    const total = products.reduce((sum, [value]) => sum + value, 0);
    const most = products.toSorted((a, b) => Math.abs(b[0]) - Math.abs(a[0])).slice(0, 8);
    const place = (at) => {
      if (below.shape[0] * columns === 1) return `number ${at}`;
      const cell = Math.floor(at / maps);
      return `map ${at % maps}, row ${Math.floor(cell / columns)}, column ${cell % columns}`;
    };
    const rest = total - most.reduce((sum, [value]) => sum + value, 0);
    const bias = arrays.bias?.values[unit];
    return {
      sum: total + (bias ?? 0), grids: [],
      text: `Each of the ${products.length.toLocaleString("en")} numbers below, times a weight of its own. The largest products:`,
      lines: [
        ...most.map(([value, at]) => [place(at), value]),
        ["all others together", rest],
        ...(bias === undefined ? [] : [["bias", bias]]),
      ],
    };
  },

  BatchNorm({ settings, arrays }, below, place) {
    const map = place[2];
    const x = same(below, place);
    const [mean, variance, gamma, beta] = ["mean", "variance", "gamma", "beta"].map((name) => arrays[name].values[map]);
    const normal = (x - mean) / Math.sqrt(variance + settings.epsilon);
    return {
      area: cellArea(place), map, sum: gamma * normal + beta, grids: [],
      text: "Brought to the scale of the training data, then scaled and shifted: γ (x − mean) / √(variance + ε) + β",
      facts: [["x, the cell below", x], ["mean", mean], ["variance", variance], ["γ", gamma]],
      lines: [["γ (x − mean) / √(variance + ε)", gamma * normal], ["β", beta]],
    };
  },

  Normalization({ arrays }, below, place) {
    const map = place[2];
    const x = same(below, place);
    const [mean, variance] = [arrays.mean.values[map], arrays.variance.values[map]];
    return {
      area: cellArea(place), map, sum: (x - mean) / Math.sqrt(variance), grids: [],
      text: "The pixel, brought to mean 0 and variance 1 over the training data: (x − mean) / √variance",
      facts: [["x, the pixel", x], ["mean", mean], ["√variance", Math.sqrt(variance)]], lines: [],
    };
  },

  ReLU(_, below, place) {
    const x = same(below, place);
    return {
      area: cellArea(place), map: place[2], sum: Math.max(0, x), grids: [],
      text: "The cell below, or 0 if that is below 0: max(0, x)", facts: [["x, the cell below", x]], lines: [],
    };
  },
};

const same = (volume, [row, column, map]) => at(volume, row, column, map);
const cellArea = ([row, column]) => ({ row, column, rows: 1, columns: 1 });

function strongest(parts) {
  return parts.reduce((best, part, map) => (Math.abs(part.sum) > Math.abs(parts[best].sum) ? map : best), 0);
}

/** Say how a cell came about; null for a layer that is not explained here. */
export function explain(weights, below, place, chosen) {
  return EXPLAIN[weights.kind]?.(weights, below, place, chosen) ?? null;
}
