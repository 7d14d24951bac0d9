// The board: what is drawn, as a list of operations that can be undone, and how it looks.
//
// Coordinates are those of a field of 600 x 400, however large it is shown. A picture lies in the
// field as large as it fits, and what is drawn lies over it.

export const WIDTH = 600;
export const HEIGHT = 400;
const SENT = 0.75; // pixels that are sent for each unit of an empty board
const LARGEST = 1600; // pixels of a picture's longer side; the reader would reduce it to that

export class Board extends EventTarget {
  #canvas; #context; #done = []; #undone = []; #current = null; #pointer = null; #pen = null;
  width = 20;
  isErasing = false;

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.#up(event));
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#liftPen());
    new ResizeObserver(() => this.#show()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#show());
  }

  get canUndo() { return this.#done.length > 0; }
  get canRedo() { return this.#undone.length > 0; }
  get isEmpty() { return !this.#visible().some((each) => each.picture || !each.isEraser); }
  get penAt() { return this.#pen; }

  /** The part of the field that is sent: where the picture lies, or all of it. */
  get sent() {
    const picture = this.#visible().find((each) => each.picture)?.picture;
    if (!picture) return { x: 0, y: 0, width: WIDTH, height: HEIGHT, scale: SENT };
    const fit = Math.min(WIDTH / picture.width, HEIGHT / picture.height);
    const [width, height] = [picture.width * fit, picture.height * fit];
    return { x: (WIDTH - width) / 2, y: (HEIGHT - height) / 2, width, height, scale: 1 / fit };
  }

  undo() { this.#jump(this.#done, this.#undone); }
  redo() { this.#jump(this.#undone, this.#done); }
  clear() { if (!this.isEmpty) this.#add({ isClear: true }); }
  put(picture) { this.#add({ picture }); }

  /** Replace everything with strokes, each a list of [x, y] in the field. */
  write(strokes) {
    const isClear = true;
    this.#add({ isClear, strokes: strokes.map((points) => ({ points, width: 20, isEraser: false })) });
  }

  /** What is drawn as a file: black on white, or the picture with what was drawn over it. */
  async file() {
    const { x, y, width, height, scale } = this.sent;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
    this.#draw(context, "#000", "#fff");
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #visible() {
    let shown = [];
    for (const each of this.#done) {
      if (each.isClear) shown = [...(each.strokes ?? [])];
      else if (each.picture) shown = [each];
      else shown.push(each);
    }
    return this.#current ? [...shown, this.#current] : shown;
  }

  #draw(context, ink, paper) {
    for (const each of this.#visible()) {
      if (each.picture) {
        const { x, y, width, height } = this.sent;
        context.drawImage(each.picture, x, y, width, height);
      } else {
        stroke(context, each, each.isEraser ? paper : ink);
      }
    }
  }

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
    const hasPicture = this.#visible().some((each) => each.picture);
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    this.#context.setTransform(width / WIDTH, 0, 0, height / HEIGHT, 0, 0);
    this.#draw(
      this.#context,
      hasPicture ? "#000" : style.getPropertyValue("--ink"),
      hasPicture ? "#fff" : style.getPropertyValue("--zero"),
    );
  }

  #add(operation) {
    this.#done.push(operation);
    this.#undone = [];
    this.#changed(!operation.points);
  }

  #jump(from, to) {
    if (!from.length) return;
    to.push(from.pop());
    this.#changed(true);
  }

  /** Tell of a change; a jump makes everything that was read before worthless. */
  #changed(isJump) {
    this.#show();
    this.dispatchEvent(new CustomEvent("change", { detail: { isJump } }));
  }

  #at(event) {
    const field = this.#canvas.getBoundingClientRect();
    return [
      ((event.clientX - field.left) / field.width) * WIDTH,
      ((event.clientY - field.top) / field.height) * HEIGHT,
    ];
  }

  #begin(point) {
    this.#current = { points: [point], width: this.width, isEraser: this.isErasing };
    this.#changed(false);
  }

  #end() {
    const current = this.#current;
    this.#current = null;
    if (current) this.#add(current);
  }

  #down(event) {
    if (this.#pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#liftPen();
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#begin(this.#at(event));
  }

  #move(event) {
    if (event.pointerId !== this.#pointer || !this.#current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#current.points.push(this.#at(each));
    this.#changed(false);
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.#end();
  }

  #key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!step && event.key !== " ")) return;
    event.preventDefault();
    const [x, y] = this.#pen?.at ?? [WIDTH / 2, HEIGHT / 4];
    if (step) {
      const far = event.shiftKey ? 4 : 12;
      const at = [
        Math.min(WIDTH, Math.max(0, x + step[0] * far)),
        Math.min(HEIGHT, Math.max(0, y + step[1] * far)),
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

  #liftPen() {
    if (!this.#pen) return;
    this.#pen = null;
    if (this.#pointer === null) this.#end();
    this.#changed(false);
  }
}

/** A file or a blob as a picture of a size that is good to read. */
export async function pictureOf(file) {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST / Math.max(whole.width, whole.height));
  if (scale === 1) return whole;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}

/** Draw a stroke: a curve through the middles between its points, so that it has no corners. */
function stroke(context, { points, width }, color) {
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  const [[x, y], ...rest] = points;
  context.moveTo(x, y);
  if (!rest.length) context.lineTo(x + 0.01, y);
  rest.forEach(([px, py], place) => {
    const next = rest[place + 1];
    if (next) context.quadraticCurveTo(px, py, (px + next[0]) / 2, (py + next[1]) / 2);
    else context.lineTo(px, py);
  });
  context.stroke();
}
