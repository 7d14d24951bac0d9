// The inspector: every layer's feature maps, and how one cell of them was computed.

import { layerWeights, messageOf, modelName } from "./api_client.js";
import { decodeFloats } from "./base64.js";
import { CellPanel } from "./cell_panel.js";
import { make } from "./elements.js";
import { explain } from "./explanation.js";
import { LayerView } from "./layer_view.js";
import { valueAt, volumeOf } from "./volume.js";

/** @import { ActivationsAnswer } from "./api_types.js" */
/** @import { Explanation, Layer } from "./explanation.js" */
/** @import { Area, Cell, Volume } from "./volume.js" */

/**
 * The cell that is explained.
 *
 * @typedef {object} Choice
 * @property {number} place The layer's, from the input.
 * @property {Cell} cell
 * @property {number} [map] The feature map of the layer below that the user wants to see.
 * @property {{ area: Area, map: number }} [input] What it was computed from.
 */

/** Shows what each layer of the network makes of a finding. */
export class Inspector {
  /** @type {HTMLElement} */
  #element;
  /** @type {CellPanel} */
  #panel;
  /** @type {LayerView[]} */
  #views = [];
  /** @type {Choice | null} */
  #choice = null;
  /** @type {string | null} */
  #model = null;
  /** @type {Map<string, Layer>} */
  #layers = new Map();
  // Counts the choices: what a layer computes with may arrive when another cell is chosen.
  #sequence = 0;

  /**
   * @param {HTMLElement} layers Where the layers are shown.
   * @param {HTMLElement} cell Where a cell is explained.
   */
  constructor(layers, cell) {
    this.#element = layers;
    this.#panel = new CellPanel(cell, (map) => {
      if (this.#choice) this.#choose({ ...this.#choice, map });
    });
    let width = 0;
    new ResizeObserver(() => {
      // Scroll bars that come and go change the width by a few pixels.
      if (Math.abs(layers.clientWidth - width) < 8) return;
      width = layers.clientWidth;
      for (const view of this.#views) view.arrange(width);
      this.#mark();
    }).observe(layers);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const view of this.#views) view.paint();
    });
  }

  /** Show nothing. */
  clear() {
    this.#views = [];
    this.#choice = null;
    this.#sequence += 1;
    this.#element.replaceChildren(make("p", "Draw something first.", "muted"));
    this.#panel.clear();
  }

  /**
   * Show what the layers made of a finding.
   *
   * @param {ActivationsAnswer} answer
   */
  show({ layers, classes }) {
    const volumes = layers.map(volumeOf);
    if (signature(volumes) !== signature(this.#views.map((view) => view.volume))) {
      this.#views = volumes.map((volume, place) => new LayerView(
        volume,
        place === volumes.length - 1 ? classes : null,
        (cell) => this.#choose({ place, cell }),
      ));
      this.#element.replaceChildren(...this.#views.map((view) => view.element));
      for (const view of this.#views) view.arrange(this.#element.clientWidth);
    }
    volumes.forEach((volume, place) => this.#views[place].show(volume));
    if (this.#choice) this.#choose(this.#choice);
  }

  /** @param {Choice} choice */
  async #choose({ place, cell, map }) {
    const sequence = (this.#sequence += 1);
    const [{ volume }, below] = [this.#views[place], this.#views[place - 1]?.volume];
    /** @type {Choice} */
    const choice = { place, cell, map };
    this.#choice = choice;
    /** @type {Explanation | string} */
    let explanation = "The pixel's ink, from 0 to 255.";
    if (below) {
      try {
        const layer = await this.#layer(volume.name);
        if (sequence !== this.#sequence) return;
        explanation = explain(layer, below, cell, map)
          ?? "How this layer computes is not shown here.";
      } catch (error) {
        if (sequence !== this.#sequence) return;
        explanation = messageOf(error);
      }
    }
    if (typeof explanation !== "string" && explanation.area && explanation.map !== undefined) {
      choice.input = { area: explanation.area, map: explanation.map };
    }
    this.#mark();
    this.#panel.show(volume, cell, valueAt(volume, cell), explanation);
  }

  /**
   * Return what a layer computes with. It stays the same while the page is open.
   *
   * @param {string} name
   * @returns {Promise<Layer>}
   */
  async #layer(name) {
    let layer = this.#layers.get(name);
    if (!layer) {
      this.#model ??= await modelName();
      const { kind, settings, arrays } = await layerWeights(this.#model, name);
      layer = { kind, settings, arrays: {} };
      for (const [key, { float32 }] of Object.entries(arrays)) {
        layer.arrays[key] = decodeFloats(float32);
      }
      this.#layers.set(name, layer);
    }
    return layer;
  }

  /** Frame the cell that is explained, and what it was computed from. */
  #mark() {
    for (const view of this.#views) view.unmark();
    if (!this.#choice) return;
    const { place, cell, input } = this.#choice;
    this.#views[place]?.markCell(cell);
    if (input) this.#views[place - 1].markInput(input.area, input.map);
  }
}

/**
 * Return the names and shapes of layers as text.
 *
 * @param {Volume[]} volumes
 * @returns {string}
 */
function signature(volumes) {
  return volumes.map(({ name, size }) => `${name} ${size}`).join(", ");
}
