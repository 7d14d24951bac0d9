// The layer view: a layer's heading, and all its feature maps on one canvas, a pixel a cell.

import { contextOf, make } from "./elements.js";
import { isVector } from "./volume.js";

/** @import { Area, Cell, Volume } from "./volume.js" */

/** @type {Record<string, string | undefined>} */
const KINDS = {
  Input: "the pixels",
  Normalization: "normalization",
  Conv2D: "convolution",
  MaxPool2D: "the largest of each window",
  BatchNorm: "batch normalization",
  ReLU: "rectifier: nothing below zero",
  Dense: "dense layer",
  Softmax: "probabilities",
};
const GAP = 6; // pixels between two maps

/** Shows a layer's output, and lets a cell of it be chosen. */
export class LayerView {
  /** What the view is made of. */
  element = make("div", "", "layer");
  /** @type {Volume} */
  #volume;
  /** @type {(cell: Cell) => void} */
  #onChoose;
  #maps = make("div", "", "maps");
  #canvas = make("canvas");
  /** @type {string[] | null} */
  #classes;
  /** @type {HTMLElement | null} */
  #names = null;
  /** @type {Cell} */
  #cell = [0, 0, 0];
  // Pixels between two maps, maps in a row, pixels a cell.
  #gap = GAP;
  #columns = 1;
  #scale = 1;

  /**
   * @param {Volume} volume The layer's output.
   * @param {string[] | null} classes What its numbers stand for, if it is the last layer.
   * @param {(cell: Cell) => void} onChoose Called when a cell is chosen.
   */
  constructor(volume, classes, onChoose) {
    this.#volume = volume;
    this.#classes = classes;
    this.#onChoose = onChoose;
    const { name, kind, size, shape: [rows, columns, count] } = volume;
    const heading = make("h3", name);
    heading.append(make("span", `${KINDS[kind] ?? kind}, ${size}`));
    this.#maps.tabIndex = 0;
    this.#maps.setAttribute("role", "group");
    this.#maps.setAttribute("aria-label", isVector(volume)
      ? `${name}: ${count} numbers. Arrow keys choose one.`
      : `${name}: ${count} feature maps of ${rows} by ${columns}. Arrow keys choose a cell, `
        + "Page Up and Page Down another map.");
    this.#maps.append(this.#canvas);
    this.#maps.addEventListener("pointermove", (event) => this.#point(event));
    this.#maps.addEventListener("pointerdown", (event) => this.#point(event));
    this.#maps.addEventListener("keydown", (event) => this.#key(event));
    this.element.append(heading, this.#maps);
  }

  /** The layer's output. */
  get volume() {
    return this.#volume;
  }

  /**
   * Show another output of the same layer.
   *
   * @param {Volume} volume Of the same shape.
   */
  show(volume) {
    this.#volume = volume;
    this.paint();
  }

  /**
   * Arrange the maps, and paint them.
   *
   * @param {number} width Pixels that there are.
   */
  arrange(width) {
    const [rows, columns, count] = this.#volume.shape;
    const isFlat = isVector(this.#volume);
    if (isFlat) this.#scale = count > 20 ? 14 : 24;
    else if (count === 1) this.#scale = 4;
    else this.#scale = Math.max(2, Math.round(Math.min(width / 6, mapWidth(columns)) / columns));
    this.#gap = isFlat ? 0 : GAP;
    const [across, down] = [columns * this.#scale + this.#gap, rows * this.#scale + this.#gap];
    const room = Math.max(1, Math.floor((width + this.#gap) / across));
    this.#columns = Math.min(count, isFlat && count > 20 ? Math.min(32, room) : room);
    const lines = Math.ceil(count / this.#columns);
    const size = [this.#columns * across - this.#gap, lines * down - this.#gap];
    const ratio = Math.ceil(devicePixelRatio || 1);
    [this.#canvas.width, this.#canvas.height] = size.map((pixels) => pixels * ratio);
    Object.assign(this.#canvas.style, { width: `${size[0]}px`, height: `${size[1]}px` });
    if (this.#classes && this.#columns === count) this.#showClasses(this.#classes);
    this.paint();
  }

  /** Color the cells: nothing at 0, one color above, another below. */
  paint() {
    const { shape: [rows, columns, count], values, kind } = this.#volume;
    const style = getComputedStyle(document.documentElement);
    const [zero, plus, minus] = kind === "Input"
      ? [rgb("#000"), rgb("#fff"), rgb("#fff")]
      : ["--zero", "--plus", "--minus"].map((name) => rgb(style.getPropertyValue(name).trim()));
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    const context = contextOf(this.#canvas);
    const ratio = Math.ceil(devicePixelRatio || 1);
    const one = make("canvas");
    [one.width, one.height] = [columns, rows];
    const image = new ImageData(columns, rows);
    context.imageSmoothingEnabled = false;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (let map = 0; map < count; map += 1) {
      for (let cell = 0; cell < rows * columns; cell += 1) {
        const value = values[cell * count + map] / largest;
        const share = Math.sqrt(Math.abs(value));
        const color = value < 0 ? minus : plus;
        for (let k = 0; k < 3; k += 1) {
          image.data[cell * 4 + k] = zero[k] + (color[k] - zero[k]) * share;
        }
        image.data[cell * 4 + 3] = 255;
      }
      contextOf(one).putImageData(image, 0, 0);
      const [left, top] = this.#corner(map);
      context.drawImage(one, left, top, columns * this.#scale, rows * this.#scale);
    }
  }

  /** Remove all frames. */
  unmark() {
    for (const mark of this.#maps.querySelectorAll(".mark-cell")) mark.remove();
  }

  /**
   * Frame the cell that is explained.
   *
   * @param {Cell} cell
   */
  markCell(cell) {
    const [row, column, map] = cell;
    this.#frame({ row, column, rows: 1, columns: 1 }, map, "mark-cell");
    this.#cell = cell;
  }

  /**
   * Frame what the cell that is explained was computed from.
   *
   * @param {Area} area
   * @param {number} map
   */
  markInput(area, map) {
    this.#frame(area, map, "mark-cell below");
  }

  /**
   * Put a frame around an area of a map. What lies outside of the map is left out.
   *
   * @param {Area} area
   * @param {number} map
   * @param {string} className
   */
  #frame({ row, column, rows, columns }, map, className) {
    const [height, width] = this.#volume.shape;
    const [mapLeft, mapTop] = this.#corner(map);
    const left = mapLeft + Math.max(0, column) * this.#scale;
    const top = mapTop + Math.max(0, row) * this.#scale;
    const across = (Math.min(width, column + columns) - Math.max(0, column)) * this.#scale;
    const down = (Math.min(height, row + rows) - Math.max(0, row)) * this.#scale;
    const mark = make("div", "", className);
    Object.assign(mark.style, {
      left: `${left - 2}px`, top: `${top - 2}px`, width: `${across + 4}px`, height: `${down + 4}px`,
    });
    this.#maps.append(mark);
  }

  /**
   * Write the classes' names below the cells.
   *
   * @param {string[]} classes
   */
  #showClasses(classes) {
    this.#names?.remove();
    this.#names = make("div", "", "names");
    this.#names.style.gridTemplateColumns = `repeat(${classes.length}, ${this.#scale}px)`;
    this.#names.append(...classes.map((name) => make("span", name[0])));
    this.#names.setAttribute("aria-hidden", "true");
    this.#names.title = classes.join(", ");
    this.element.append(this.#names);
  }

  /** Pixels from one map to the next, across and down. */
  get #pitch() {
    const [rows, columns] = this.#volume.shape;
    return [columns * this.#scale + this.#gap, rows * this.#scale + this.#gap];
  }

  /**
   * Return where a map lies on the canvas.
   *
   * @param {number} map
   * @returns {[left: number, top: number]} In pixels.
   */
  #corner(map) {
    const [across, down] = this.#pitch;
    return [(map % this.#columns) * across, Math.floor(map / this.#columns) * down];
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const [rows, columns, count] = this.#volume.shape;
    const field = this.#canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - field.left, event.clientY - field.top];
    const [across, down] = this.#pitch;
    const [place, line] = [Math.floor(x / across), Math.floor(y / down)];
    const column = Math.floor((x - place * across) / this.#scale);
    const row = Math.floor((y - line * down) / this.#scale);
    const map = line * this.#columns + place;
    const isOnCanvas = x >= 0 && y >= 0 && place < this.#columns && map < count;
    if (isOnCanvas && row < rows && column < columns) this.#choose([row, column, map]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const [rows, columns, count] = this.#volume.shape;
    /** @type {Record<string, Cell | undefined>} */
    const keys = isVector(this.#volume)
      ? {
        ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1],
        ArrowUp: [0, 0, -this.#columns], ArrowDown: [0, 0, this.#columns],
      }
      : {
        ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0], ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0],
        PageUp: [0, 0, -1], PageDown: [0, 0, 1],
      };
    const step = keys[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column, map] = this.#cell;
    this.#choose([
      clip(row + step[0], rows), clip(column + step[1], columns), clip(map + step[2], count),
    ]);
  }

  /** @param {Cell} cell */
  #choose(cell) {
    const isMarked = this.#maps.querySelector(".mark-cell:not(.below)") !== null;
    if (isMarked && cell.every((value, axis) => value === this.#cell[axis])) return;
    this.#cell = cell;
    this.#onChoose(cell);
  }
}

/**
 * Return how wide a map should be shown.
 *
 * @param {number} columns Its cells.
 * @returns {number} In pixels.
 */
function mapWidth(columns) {
  if (columns > 20) return 84;
  if (columns > 12) return 70;
  return columns > 6 ? 50 : 40;
}

/**
 * Return the place from 0 to size - 1 that is nearest.
 *
 * @param {number} place
 * @param {number} size
 * @returns {number}
 */
function clip(place, size) {
  return Math.min(size - 1, Math.max(0, place));
}

/**
 * Return the red, green and blue of a color.
 *
 * @param {string} color As #rgb or #rrggbb.
 * @returns {number[]} From 0 to 255.
 */
function rgb(color) {
  const hex = color.slice(1);
  const long = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  return [0, 2, 4].map((place) => parseInt(long.slice(place, place + 2), 16));
}
