// The inspector: every layer's feature maps, and how one cell of them came about.

import { at, explain } from "./cells.js";
import { ask, floatsOf } from "./reading.js";

const KINDS = {
  Input: "the pixels", Normalization: "normalization", Conv2D: "convolution", MaxPool2D: "the largest of each window",
  BatchNorm: "batch normalization", ReLU: "rectifier: nothing below zero", Dense: "dense layer", Softmax: "probabilities",
};
const GAP = 6; // pixels between two maps

export class Inspector {
  #layers; #cell; #model = null; #weights = new Map(); #views = []; #chosen = null; #sequence = 0;

  constructor(layers, cell) {
    this.#layers = layers;
    this.#cell = cell;
    let width = 0;
    new ResizeObserver(() => {
      if (Math.abs(layers.clientWidth - width) < 8) return;
      width = layers.clientWidth;
      for (const view of this.#views) view.lay(width);
      this.#mark();
    }).observe(layers);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const view of this.#views) view.paint();
    });
  }

  /** Show what the layers made of something, an answer of /api/v1/activations; null for nothing. */
  show(found) {
    if (!found) {
      this.#views = [];
      this.#layers.replaceChildren(paragraph("Draw something first."));
      this.#cell.replaceChildren(paragraph("Point at a cell of a feature map to see how its number comes about."));
      this.#chosen = null;
      return;
    }
    const volumes = found.layers.map(volumeOf);
    const names = volumes.map((volume) => volume.name + volume.shape).join();
    if (names !== this.#views.map((view) => view.volume.name + view.volume.shape).join()) {
      this.#views = volumes.map((volume, place) => new LayerView(volume, (cell) => this.choose(place, cell)));
      const last = this.#views.at(-1);
      last.name(found.classes);
      this.#layers.replaceChildren(...this.#views.map((view) => view.element));
      for (const view of this.#views) view.lay(this.#layers.clientWidth);
    }
    volumes.forEach((volume, place) => {
      this.#views[place].volume = volume;
      this.#views[place].paint();
    });
    if (this.#chosen) this.choose(this.#chosen.layer, this.#chosen.cell, this.#chosen.map);
  }

  /** Explain a cell [row, column, map] of a layer; of which map below, if it has several. */
  async choose(layer, cell, map) {
    const sequence = (this.#sequence += 1);
    this.#chosen = { layer, cell, map };
    const [view, below] = [this.#views[layer], this.#views[layer - 1]];
    const value = at(view.volume, ...cell);
    let told = null;
    if (below) {
      try {
        const weights = await this.#weightsOf(view.volume.name);
        if (sequence !== this.#sequence) return;
        told = explain(weights, below.volume, cell, map);
      } catch (error) {
        told = { grids: [], lines: [], text: error.message };
      }
    }
    this.#chosen.area = told?.area;
    this.#chosen.below = told?.map;
    this.#mark();
    this.#tell(view.volume, cell, value, told, layer);
  }

  async #weightsOf(name) {
    if (!this.#weights.has(name)) {
      this.#model ??= ask("/api/v1/models").then((found) => found.models[0].name);
      const found = await ask(`/api/v1/models/${await this.#model}/layers/${name}`);
      for (const array of Object.values(found.arrays)) array.values = floatsOf(array);
      this.#weights.set(name, found);
    }
    return this.#weights.get(name);
  }

  #mark() {
    for (const view of this.#views) view.unmark();
    if (!this.#chosen) return;
    const { layer, cell, area, below } = this.#chosen;
    this.#views[layer]?.mark({ row: cell[0], column: cell[1], rows: 1, columns: 1 }, cell[2], false);
    if (area && below !== undefined) this.#views[layer - 1].mark(area, below, true);
  }

  #tell(volume, [row, column, map], value, told, layer) {
    const isVector = volume.shape[0] * volume.shape[1] === 1;
    const where = isVector ? `number ${map}` : `map ${map}, row ${row}, column ${column}`;
    const parts = [element("h3", `${volume.name}: ${where}`), element("p", number(value), "value")];
    parts[1].dataset.value = value;
    if (!told) parts.push(paragraph(layer ? "How this layer computes is not shown here." : "The pixel's ink, from 0 to 255."));
    else {
      if (told.text) parts.push(paragraph(told.text));
      if (told.maps > 1) parts.push(this.#steps(layer, [row, column, map], told));
      for (const [title, rows] of told.grids) parts.push(element("h4", title), grid(title, rows, told.best));
      if (told.facts) parts.push(sums(told.facts));
      if (told.sum !== undefined) {
        const total = [told.word ?? (told.lines.length ? "together" : "result"), told.sum];
        const table = sums([...told.lines, total], true);
        table.dataset.sum = told.sum;
        parts.push(element("h4", "The sum"), table);
        if (told.word || !told.lines.length) parts.at(-2).textContent = "The result";
      }
    }
    const step = this.#cell.querySelector(":focus")?.dataset.step;
    this.#cell.replaceChildren(...parts);
    if (step) this.#cell.querySelector(`[data-step="${step}"]`)?.focus();
  }

  #steps(layer, cell, { map, maps }) {
    const steps = element("div", "", "steps");
    const button = (label, change) => {
      const made = element("button", label);
      made.type = "button";
      made.dataset.step = change;
      made.addEventListener("click", () => this.choose(layer, cell, (map + change + maps) % maps));
      return made;
    };
    steps.append(button("Previous", -1), element("span", `map ${map} of ${maps} below`), button("Next", 1));
    return steps;
  }
}

/** A layer's heading, and all its maps on one canvas, a pixel a cell. */
class LayerView {
  #canvas = document.createElement("canvas");
  #maps = element("div", "", "maps");
  #names = null; #gap = GAP; #columns = 1; #scale = 1; #choose; #cell = [0, 0, 0]; #classes = null;

  constructor(volume, choose) {
    this.volume = volume;
    this.#choose = choose;
    const [rows, columns, count] = volume.shape;
    this.element = element("div", "", "layer");
    const heading = element("h3", volume.name);
    heading.append(element("span", `${KINDS[volume.kind] ?? volume.kind}, ${volume.told}`));
    const isVector = rows * columns === 1;
    this.#maps.tabIndex = 0;
    this.#maps.setAttribute("role", "group");
    this.#maps.setAttribute("aria-label", isVector
      ? `${volume.name}: ${count} numbers. Arrow keys choose one.`
      : `${volume.name}: ${count} feature maps of ${rows} by ${columns}. Arrow keys choose a cell, Page Up and Page Down another map.`);
    this.#maps.append(this.#canvas);
    this.#maps.addEventListener("pointermove", (event) => this.#point(event));
    this.#maps.addEventListener("pointerdown", (event) => this.#point(event));
    this.#maps.addEventListener("keydown", (event) => this.#key(event));
    this.element.append(heading, this.#maps);
  }

  /** Write names below the cells of the last layer. */
  name(classes) { this.#classes = classes; }

  /** Lay the maps out for a width. */
  lay(width) {
    const [rows, columns, count] = this.volume.shape;
    const isVector = rows * columns === 1;
    const wanted = Math.min(width / 6, columns > 20 ? 84 : columns > 12 ? 70 : columns > 6 ? 50 : 40);
    this.#scale = isVector ? (count > 20 ? 14 : 24) : count === 1 ? 4 : Math.max(2, Math.round(wanted / columns));
    this.#gap = isVector ? 0 : GAP;
    const room = Math.max(1, Math.floor((width + this.#gap) / (columns * this.#scale + this.#gap)));
    this.#columns = Math.min(count, isVector && count > 20 ? Math.min(32, room) : room);
    const lines = Math.ceil(count / this.#columns);
    const [across, down] = this.#pitch;
    const size = [this.#columns * across - this.#gap, lines * down - this.#gap];
    const ratio = Math.ceil(devicePixelRatio || 1);
    [this.#canvas.width, this.#canvas.height] = size.map((pixels) => pixels * ratio);
    [this.#canvas.style.width, this.#canvas.style.height] = size.map((pixels) => `${pixels}px`);
    if (this.#classes && this.#columns === count) {
      this.#names?.remove();
      this.#names = element("div", "", "names");
      this.#names.style.gridTemplateColumns = `repeat(${count}, ${this.#scale}px)`;
      this.#names.append(...this.#classes.map((name) => element("span", name.length > 1 ? name[0] : name)));
      this.#names.setAttribute("aria-hidden", "true");
      this.#names.title = this.#classes.join(", ");
      this.element.append(this.#names);
    }
    this.paint();
  }

  /** Color the cells: nothing at 0, one color above, another below. */
  paint() {
    const { shape: [rows, columns, count], values, kind } = this.volume;
    const style = getComputedStyle(document.documentElement);
    const [zero, plus, minus] = (kind === "Input" ? ["#000", "#fff", "#fff"] : ["--zero", "--plus", "--minus"])
      .map((name) => rgb(name.startsWith("--") ? style.getPropertyValue(name).trim() : name));
    const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    const context = this.#canvas.getContext("2d");
    const ratio = Math.ceil(devicePixelRatio || 1);
    const [across, down] = this.#pitch;
    const one = document.createElement("canvas");
    [one.width, one.height] = [columns, rows];
    const image = new ImageData(columns, rows);
    context.imageSmoothingEnabled = false;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (let map = 0; map < count; map += 1) {
      for (let cell = 0; cell < rows * columns; cell += 1) {
        const value = values[cell * count + map] / most;
        const share = Math.sqrt(Math.abs(value));
        const color = value < 0 ? minus : plus;
        for (let k = 0; k < 3; k += 1) image.data[cell * 4 + k] = zero[k] + (color[k] - zero[k]) * share;
        image.data[cell * 4 + 3] = 255;
      }
      one.getContext("2d").putImageData(image, 0, 0);
      const [left, top] = [(map % this.#columns) * across, Math.floor(map / this.#columns) * down];
      context.drawImage(one, left, top, columns * this.#scale, rows * this.#scale);
    }
  }

  /** Pixels from one map to the next, across and down. */
  get #pitch() {
    return [this.volume.shape[1], this.volume.shape[0]].map((cells) => cells * this.#scale + this.#gap);
  }

  unmark() {
    for (const mark of this.#maps.querySelectorAll(".mark-cell")) mark.remove();
  }

  /** Frame an area of a map; of what lies outside of it, only the edge is framed. */
  mark({ row, column, rows, columns }, map, isBelow) {
    const [height, width] = this.volume.shape;
    const [pitchX, pitchY] = this.#pitch;
    const left = (map % this.#columns) * pitchX + Math.max(0, column) * this.#scale;
    const top = Math.floor(map / this.#columns) * pitchY + Math.max(0, row) * this.#scale;
    const across = (Math.min(width, column + columns) - Math.max(0, column)) * this.#scale;
    const down = (Math.min(height, row + rows) - Math.max(0, row)) * this.#scale;
    const mark = element("div", "", isBelow ? "mark-cell below" : "mark-cell");
    Object.assign(mark.style, {
      left: `${left - 2}px`, top: `${top - 2}px`, width: `${across + 4}px`, height: `${down + 4}px`,
    });
    this.#maps.append(mark);
    if (!isBelow) this.#cell = [row, column, map];
  }

  #point(event) {
    const [rows, columns, count] = this.volume.shape;
    const field = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - field.left, event.clientY - field.top];
    const [across, down] = this.#pitch;
    const [place, line] = [Math.floor(x / across), Math.floor(y / down)];
    const column = Math.floor((x - place * across) / this.#scale);
    const row = Math.floor((y - line * down) / this.#scale);
    const map = line * this.#columns + place;
    const isInside = x >= 0 && y >= 0 && place < this.#columns && map < count && row < rows && column < columns;
    if (isInside) this.#pick([row, column, map]);
  }

  #key(event) {
    const [rows, columns, count] = this.volume.shape;
    let [row, column, map] = this.#cell;
    const isVector = rows * columns === 1;
    const keys = isVector
      ? { ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], ArrowUp: [0, 0, -this.#columns], ArrowDown: [0, 0, this.#columns] }
      : { ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0], ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0], PageUp: [0, 0, -1], PageDown: [0, 0, 1] };
    const step = keys[event.key];
    if (!step) return;
    event.preventDefault();
    const clip = (value, size) => Math.min(size - 1, Math.max(0, value));
    [row, column, map] = [clip(row + step[0], rows), clip(column + step[1], columns), clip(map + step[2], count)];
    this.#pick([row, column, map]);
  }

  #pick(cell) {
    if (this.#maps.querySelector(".mark-cell:not(.below)") && cell.every((value, axis) => value === this.#cell[axis])) return;
    this.#cell = cell;
    this.#choose(cell);
  }
}

function volumeOf({ name, kind, output }) {
  const shape = output.shape.length === 3 ? output.shape : [1, 1, output.shape[0]];
  return { name, kind, shape, told: output.shape.join(" × "), values: floatsOf(output) };
}

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

const paragraph = (text) => element("p", text, "muted");

/** A number in few digits, with a minus as wide as a plus. */
function number(value, digits = 4) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size && size < 1e-3 ? size.toExponential(1) : String(Number(size.toPrecision(digits)));
  return (value < 0 ? "−" : "") + text;
}

function grid(title, rows, best) {
  const table = element("table", "", "grid");
  table.setAttribute("aria-label", title);
  const most = Math.max(1e-9, ...rows.flat().filter(Number.isFinite).map(Math.abs));
  for (const row of rows) {
    const line = table.insertRow();
    for (const value of row) {
      const cell = line.insertCell();
      cell.textContent = number(value, 3);
      const share = Number.isFinite(value) ? Math.round((Math.abs(value) / most) * 34) : 0;
      cell.style.background = `color-mix(in srgb, var(--${value < 0 ? "minus" : "plus"}) ${share}%, var(--card))`;
      if (value === best) cell.className = "best";
    }
  }
  const scroll = element("div", "", "scroll");
  scroll.append(table);
  return scroll;
}

function sums(lines, hasTotal = false) {
  const table = element("table", "", "sum");
  lines.forEach(([name, value], place) => {
    const line = table.insertRow();
    const head = element("th", name);
    head.scope = "row";
    line.append(head, element("td", number(value)));
    if (hasTotal && place === lines.length - 1 && lines.length > 1) line.className = "total";
  });
  return table;
}

function rgb(color) {
  const hex = color.slice(1);
  const wide = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  return [0, 2, 4].map((place) => parseInt(wide.slice(place, place + 2), 16));
}
