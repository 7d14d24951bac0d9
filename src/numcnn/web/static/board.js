// The board: what is drawn, as a list of operations that can be undone, and how it looks.
//
// Coordinates are those of a field of 600 x 400 units, however large it is shown. A picture lies in
// the field as large as it fits, and strokes lie over it.

import { contextOf, make } from "./elements.js";
import { drawStroke } from "./stroke.js";

/** @import { Picture } from "./picture.js" */
/** @import { Point, Stroke } from "./stroke.js" */

export const WIDTH = 600;
export const HEIGHT = 400;
const SENT_SCALE = 0.75; // pixels that are sent for each unit of the field, if there is no picture
const EXAMPLE_WIDTH = 20; // of the strokes of an example

/**
 * A stroke; or everything is replaced, by a picture or by strokes (none to clear the board).
 *
 * @typedef {{ stroke: Stroke }
 *   | { picture: Picture }
 *   | { strokes: Stroke[] }} Operation
 */

/**
 * The part of the field that is sent to the server.
 *
 * @typedef {object} SentArea
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} scale Pixels for each unit of the field.
 */

/**
 * The pen that is moved with the keyboard.
 *
 * @typedef {object} KeyboardPen
 * @property {Point} at
 * @property {boolean} isDown
 */

/** @type {Record<string, Point | undefined>} */
const STEPS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

/** A canvas to draw on with the mouse, a finger, a pen or the keyboard. */
export class Board {
  /** @type {HTMLCanvasElement} */
  #canvas;
  /** @type {CanvasRenderingContext2D} */
  #context;
  /** @type {(isJump: boolean) => void} */
  #onChange;
  /** @type {Operation[]} */
  #done = [];
  /** @type {Operation[]} */
  #undone = [];
  /** @type {Stroke | null} */
  #current = null;
  /** @type {number | null} */
  #pointer = null;
  /** @type {KeyboardPen | null} */
  #pen = null;
  /** The width of the next stroke, in units of the field. */
  width = 20;
  /** Whether the next stroke erases. */
  isErasing = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(isJump: boolean) => void} onChange Called after every change. After a jump, what is
   *   drawn has nothing to do with what was drawn before.
   */
  constructor(canvas, onChange) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#liftPen());
    new ResizeObserver(() => this.#show()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#show());
  }

  /** Whether there is something to undo. */
  get canUndo() {
    return this.#done.length > 0;
  }

  /** Whether there is something to redo. */
  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Whether there is nothing to read. */
  get isEmpty() {
    const { picture, strokes } = this.#visible();
    return !picture && strokes.every((stroke) => stroke.isEraser);
  }

  /** The keyboard's pen; null while the keyboard does not draw. */
  get keyboardPen() {
    return this.#pen;
  }

  /**
   * The part of the field that is sent: where the picture lies, or all of it.
   *
   * @returns {SentArea}
   */
  get sent() {
    const { picture } = this.#visible();
    if (!picture) return { x: 0, y: 0, width: WIDTH, height: HEIGHT, scale: SENT_SCALE };
    const fit = Math.min(WIDTH / picture.width, HEIGHT / picture.height);
    const [width, height] = [picture.width * fit, picture.height * fit];
    return { x: (WIDTH - width) / 2, y: (HEIGHT - height) / 2, width, height, scale: 1 / fit };
  }

  /** Take the last operation back. */
  undo() {
    this.#moveLast(this.#done, this.#undone);
  }

  /** Do again what was undone last. */
  redo() {
    this.#moveLast(this.#undone, this.#done);
  }

  /** Remove everything. */
  clear() {
    if (!this.isEmpty) this.#add({ strokes: [] });
  }

  /**
   * Replace everything by a picture.
   *
   * @param {Picture} picture
   */
  putPicture(picture) {
    this.#add({ picture });
  }

  /**
   * Replace everything by strokes.
   *
   * @param {Point[][]} lines The points of each stroke.
   */
  putStrokes(lines) {
    const strokes = lines.map((points) => ({ points, width: EXAMPLE_WIDTH, isEraser: false }));
    this.#add({ strokes });
  }

  /**
   * Return what is drawn as a PNG file: black on white, or the picture with the strokes over it.
   *
   * @returns {Promise<Blob>}
   */
  async file() {
    const { x, y, width, height, scale } = this.sent;
    const canvas = make("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = contextOf(canvas);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
    this.#draw(context, "#000", "#fff");
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("This browser cannot make a picture file of the drawing."));
      }, "image/png");
    });
  }

  /**
   * Return what the operations have left, and the stroke that is being drawn.
   *
   * @returns {{ picture: Picture | null, strokes: Stroke[] }}
   */
  #visible() {
    /** @type {Picture | null} */
    let picture = null;
    /** @type {Stroke[]} */
    let strokes = [];
    for (const operation of this.#done) {
      if ("stroke" in operation) strokes.push(operation.stroke);
      else if ("picture" in operation) [picture, strokes] = [operation.picture, []];
      else [picture, strokes] = [null, [...operation.strokes]];
    }
    if (this.#current) strokes.push(this.#current);
    return { picture, strokes };
  }

  /**
   * Draw what is visible, in the units of the field.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {string} ink The pen's color.
   * @param {string} paper The eraser's color.
   */
  #draw(context, ink, paper) {
    const { picture, strokes } = this.#visible();
    if (picture) {
      const { x, y, width, height } = this.sent;
      context.drawImage(picture, x, y, width, height);
    }
    for (const stroke of strokes) drawStroke(context, stroke, stroke.isEraser ? paper : ink);
  }

  /** Draw the canvas anew, in its size and colors. */
  #show() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#canvas;
    if (!clientWidth) return;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const style = getComputedStyle(document.documentElement);
    // A picture is light paper whatever the page's colors are.
    const hasPicture = this.#visible().picture !== null;
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    this.#context.setTransform(width / WIDTH, 0, 0, height / HEIGHT, 0, 0);
    this.#draw(
      this.#context,
      hasPicture ? "#000" : style.getPropertyValue("--ink"),
      hasPicture ? "#fff" : style.getPropertyValue("--zero"),
    );
  }

  /** @param {Operation} operation */
  #add(operation) {
    this.#done.push(operation);
    this.#undone = [];
    this.#changed(!("stroke" in operation));
  }

  /**
   * Move the last operation from one list to the other.
   *
   * @param {Operation[]} from
   * @param {Operation[]} to
   */
  #moveLast(from, to) {
    const last = from.pop();
    if (!last) return;
    to.push(last);
    this.#changed(true);
  }

  /** @param {boolean} isJump */
  #changed(isJump) {
    this.#show();
    this.#onChange(isJump);
  }

  /**
   * Return where a pointer is, in the field.
   *
   * @param {PointerEvent} event
   * @returns {Point}
   */
  #at(event) {
    const field = this.#canvas.getBoundingClientRect();
    return [
      ((event.clientX - field.left) / field.width) * WIDTH,
      ((event.clientY - field.top) / field.height) * HEIGHT,
    ];
  }

  /** @param {Point} point */
  #begin(point) {
    this.#current = { points: [point], width: this.width, isEraser: this.isErasing };
    this.#changed(false);
  }

  /** End the stroke that is being drawn, if there is one. */
  #end() {
    const stroke = this.#current;
    this.#current = null;
    if (stroke) this.#add({ stroke });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (this.#pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#liftPen();
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#begin(this.#at(event));
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerId !== this.#pointer || !this.#current) return;
    // Some browsers have no such method, and the list may be empty.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#current.points.push(this.#at(each));
    this.#changed(false);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#end();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = STEPS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!step && event.key !== " ")) return;
    event.preventDefault();
    const [x, y] = this.#pen?.at ?? [WIDTH / 2, HEIGHT / 4];
    if (step) {
      const length = event.shiftKey ? 4 : 12;
      /** @type {Point} */
      const at = [
        Math.min(WIDTH, Math.max(0, x + step[0] * length)),
        Math.min(HEIGHT, Math.max(0, y + step[1] * length)),
      ];
      this.#pen = { at, isDown: this.#current !== null };
      this.#current?.points.push(at);
    } else if (this.#current) {
      this.#end();
      this.#pen = { at: [x, y], isDown: false };
    } else {
      this.#begin([x, y]);
      this.#pen = { at: [x, y], isDown: true };
    }
    this.#changed(false);
  }

  /** Put the keyboard's pen away. */
  #liftPen() {
    if (!this.#pen) return;
    this.#pen = null;
    if (this.#pointer === null) this.#end();
    this.#changed(false);
  }
}
