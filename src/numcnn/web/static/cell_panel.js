// The cell panel: a cell's number, and how it was computed.

import { make, makeButton } from "./elements.js";
import { isVector } from "./volume.js";

/** @import { Explanation, Grid, NamedNumber } from "./explanation.js" */
/** @import { Cell, Volume } from "./volume.js" */

/** Shows one cell at a time. */
export class CellPanel {
  /** @type {HTMLElement} */
  #element;
  /** @type {(map: number) => void} */
  #onChooseMap;

  /**
   * @param {HTMLElement} element
   * @param {(map: number) => void} onChooseMap Called when another feature map of the layer below
   *   is to be shown.
   */
  constructor(element, onChooseMap) {
    this.#element = element;
    this.#onChooseMap = onChooseMap;
  }

  /** Show how to choose a cell. */
  clear() {
    const text = "Point at a cell of a feature map to see how its number comes about.";
    this.#element.replaceChildren(make("p", text, "muted"));
  }

  /**
   * Show a cell.
   *
   * @param {Volume} volume
   * @param {Cell} cell
   * @param {number} value
   * @param {Explanation | string} explanation Or why there is none.
   */
  show(volume, [row, column, map], value, explanation) {
    const place = isVector(volume) ? `number ${map}` : `map ${map}, row ${row}, column ${column}`;
    const shown = make("p", format(value), "value");
    shown.dataset.value = String(value);
    const parts = typeof explanation === "string"
      ? [make("p", explanation, "muted")]
      : this.#explained(explanation);
    // The steps are made anew: whoever uses them with the keyboard goes on where they were.
    const { activeElement } = document;
    const step = activeElement instanceof HTMLElement && this.#element.contains(activeElement)
      ? activeElement.dataset.step
      : undefined;
    this.#element.replaceChildren(make("h3", `${volume.name}: ${place}`), shown, ...parts);
    if (step === undefined) return;
    for (const button of this.#element.querySelectorAll("button")) {
      if (button.dataset.step === step) button.focus();
    }
  }

  /**
   * @param {Explanation} explanation
   * @returns {HTMLElement[]}
   */
  #explained({ text, map, maps, grids = [], best, inputs, terms = [], sum, sumName }) {
    const parts = [];
    if (text) parts.push(make("p", text, "muted"));
    if (map !== undefined && maps !== undefined && maps > 1) parts.push(this.#steps(map, maps));
    for (const grid of grids) parts.push(make("h4", grid.title), gridTable(grid, best));
    if (inputs) parts.push(numberTable(inputs));
    const table = numberTable([...terms, [sumName ?? (terms.length ? "together" : "result"), sum]]);
    table.dataset.sum = String(sum);
    if (terms.length) table.rows[table.rows.length - 1].className = "total";
    parts.push(make("h4", terms.length ? "The sum" : "The result"), table);
    return parts;
  }

  /**
   * Make the buttons that choose another feature map of the layer below.
   *
   * @param {number} map
   * @param {number} maps
   * @returns {HTMLElement}
   */
  #steps(map, maps) {
    /**
     * @param {string} text
     * @param {number} change
     * @returns {HTMLButtonElement}
     */
    const button = (text, change) => {
      const made = makeButton(text, () => this.#onChooseMap((map + change + maps) % maps));
      made.dataset.step = String(change);
      return made;
    };
    const steps = make("div", "", "steps");
    const label = make("span", `map ${map} of ${maps} below`);
    steps.append(button("Previous", -1), label, button("Next", 1));
    return steps;
  }
}

/**
 * Write a number in few digits, with a minus as wide as a plus.
 *
 * @param {number} value
 * @param {number} [digits]
 * @returns {string}
 */
function format(value, digits = 4) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size && size < 1e-3
    ? size.toExponential(1)
    : String(Number(size.toPrecision(digits)));
  return (value < 0 ? "−" : "") + text;
}

/**
 * Make a table of numbers, each colored by its size and sign.
 *
 * @param {Grid} grid
 * @param {number} [best] The number to point out.
 * @returns {HTMLElement} Can be scrolled sideways.
 */
function gridTable({ title, rows }, best) {
  const table = make("table", "", "grid");
  table.setAttribute("aria-label", title);
  const largest = Math.max(1e-9, ...rows.flat().filter(Number.isFinite).map(Math.abs));
  for (const row of rows) {
    const line = table.insertRow();
    for (const value of row) {
      const cell = line.insertCell();
      cell.textContent = format(value, 3);
      const share = Number.isFinite(value) ? Math.round((Math.abs(value) / largest) * 34) : 0;
      const color = value < 0 ? "minus" : "plus";
      cell.style.background = `color-mix(in srgb, var(--${color}) ${share}%, var(--card))`;
      if (value === best) cell.className = "best";
    }
  }
  const scroll = make("div", "", "scroll");
  scroll.append(table);
  return scroll;
}

/**
 * Make a table with a line for each number.
 *
 * @param {NamedNumber[]} numbers
 * @returns {HTMLTableElement}
 */
function numberTable(numbers) {
  const table = make("table", "", "sum");
  for (const [name, value] of numbers) {
    const head = make("th", name);
    head.scope = "row";
    table.insertRow().append(head, make("td", format(value)));
  }
  return table;
}
