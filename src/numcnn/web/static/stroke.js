// A stroke of the pen or of the eraser.

/** @typedef {[x: number, y: number]} Point In the units of the board's field. */

/**
 * @typedef {object} Stroke
 * @property {Point[]} points At least one.
 * @property {number} width
 * @property {boolean} isEraser
 */

/**
 * Draw a stroke: a curve through the middles between its points, so that it has no corners.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {string} color
 */
export function drawStroke(context, { points, width }, color) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  const [[x, y], ...rest] = points;
  context.moveTo(x, y);
  // A line of no length would not be drawn, and a single point is to be a dot.
  if (!rest.length) context.lineTo(x + 0.01, y);
  rest.forEach(([px, py], i) => {
    const next = rest[i + 1];
    if (next) context.quadraticCurveTo(px, py, (px + next[0]) / 2, (py + next[1]) / 2);
    else context.lineTo(px, py);
  });
  context.stroke();
}
