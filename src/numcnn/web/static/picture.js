// A picture that the user chose, photographed, dropped or pasted.

import { contextOf, make } from "./elements.js";

const LARGEST = 1600; // pixels of the longer side; the reader would reduce it to that

/** @typedef {ImageBitmap | HTMLCanvasElement} Picture */

/**
 * Decode a picture file, and reduce it to a size that is good to read.
 *
 * @param {Blob} file
 * @returns {Promise<Picture>}
 * @throws {DOMException} The browser cannot decode it.
 */
export async function decodePicture(file) {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST / Math.max(whole.width, whole.height));
  if (scale === 1) return whole;
  const canvas = make("canvas");
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}
