// The API client: the requests that the page makes, one function each.

/** @import { ActivationsAnswer, CollectedAnswer, LayerWeights } from "./api_types.js" */
/** @import { ModelsAnswer, ProblemDetails, ReadAnswer } from "./api_types.js" */

/** A request that the server refused, or that did not reach it; its message is for the user. */
export class ApiError extends Error {
  /** Whether the server has too much to do, so that the same request may succeed later. */
  isBusy;

  /**
   * @param {string} message
   * @param {ErrorOptions & { isBusy?: boolean }} [options]
   */
  constructor(message, { isBusy = false, ...options } = {}) {
    super(message, options);
    this.isBusy = isBusy;
  }
}

/**
 * Read the digits in a picture, with the frame that the network saw of each.
 *
 * @param {Blob} picture A picture file.
 * @param {AbortSignal} signal
 * @returns {Promise<ReadAnswer>}
 */
export function readPicture(picture, signal) {
  return request("read?frames=true", { method: "POST", body: picture, signal });
}

/**
 * Ask what each layer makes of one finding in a picture.
 *
 * @param {Blob} picture A picture file.
 * @param {number} index The finding's place in reading order.
 * @param {AbortSignal} signal
 * @returns {Promise<ActivationsAnswer>}
 */
export function readActivations(picture, index, signal) {
  return request(`activations?index=${index}`, { method: "POST", body: picture, signal });
}

/**
 * Ask for the name of the model that reads.
 *
 * @returns {Promise<string>}
 */
export async function modelName() {
  /** @type {ModelsAnswer} */
  const answer = await request("models");
  return answer.models[0].name;
}

/**
 * Ask for the settings and arrays of a layer.
 *
 * @param {string} model
 * @param {string} layer
 * @returns {Promise<LayerWeights>}
 */
export function layerWeights(model, layer) {
  return request(`models/${model}/layers/${layer}`);
}

/**
 * Send a frame that was read wrongly, with the digit that it shows, for the server to keep. The
 * user must have agreed to that.
 *
 * @param {Uint8Array} frame The 28 x 28 gray values.
 * @param {number} label The digit.
 * @returns {Promise<CollectedAnswer>}
 */
export function sendFeedback(frame, label) {
  return request("collection", {
    method: "POST",
    body: JSON.stringify({ pixels: [...frame], label, agreed: true }),
    headers: { "Content-Type": "application/json" },
  });
}

/**
 * Say in a sentence what is wrong.
 *
 * @param {unknown} error What was caught.
 * @returns {string}
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Make a request and decode its JSON answer.
 *
 * @template T
 * @param {string} path Below /api/v1/.
 * @param {RequestInit} [options]
 * @returns {Promise<T>}
 * @throws {ApiError} The server refused, or does not answer. If the request is aborted, the
 *   browser's AbortError passes through.
 */
async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(`api/v1/${path}`, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The program that serves this page does not answer.", { cause: error });
  }
  if (response.ok) return response.json();
  /** @type {Partial<ProblemDetails>} */
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(problem.detail ?? `The server answered ${response.status}.`, {
    isBusy: response.status === 429 || response.status === 503,
  });
}
