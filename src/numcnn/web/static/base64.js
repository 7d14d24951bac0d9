// Base64: the API sends bytes and float32 numbers in it.

/**
 * Decode bytes.
 *
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function decodeBytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * Decode little-endian float32 numbers.
 *
 * @param {string} text
 * @returns {Float32Array}
 */
export function decodeFloats(text) {
  const view = new DataView(decodeBytes(text).buffer);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
}
