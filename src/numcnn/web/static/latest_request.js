// The latest request: one request at a time, and always about what is drawn now.
//
// While an answer is awaited, further changes only note that another request is due. So the newest
// answer is never older than one request, however fast somebody draws. After a jump (clear, undo,
// another picture) the request under way is canceled: its answer would be about something that is
// no longer there.

import { ApiError } from "./api_client.js";

const BUSY_WAIT = 800; // milliseconds until a busy server is asked again

/**
 * A request that is repeated as often as its subject changes, but never twice at a time.
 *
 * @template T
 */
export class LatestRequest {
  /** @type {(signal: AbortSignal) => Promise<T>} */
  #send;
  /** @type {(answer: T) => void} */
  #onAnswer;
  /** @type {(error: unknown) => void} */
  #onError;
  /** @type {AbortController | null} */
  #controller = null;
  #isDue = false;
  // Counts the requests and cancellations; a request whose number is not the last is out of date.
  #sequence = 0;

  /**
   * @param {(signal: AbortSignal) => Promise<T>} send Makes the request.
   * @param {(answer: T) => void} onAnswer Gets its answer.
   * @param {(error: unknown) => void} onError Gets what went wrong. If the server is busy, the
   *   request is repeated by itself.
   */
  constructor(send, onAnswer, onError) {
    this.#send = send;
    this.#onAnswer = onAnswer;
    this.#onError = onError;
  }

  /** Send the request: now, or as soon as the one under way is answered. */
  start() {
    if (this.#controller) this.#isDue = true;
    else this.#run();
  }

  /** Cancel the request under way, and the one that is due after it. */
  cancel() {
    this.#sequence += 1;
    this.#isDue = false;
    this.#controller?.abort();
    this.#controller = null;
  }

  /** Send the request, and again while another one is due. */
  async #run() {
    const sequence = (this.#sequence += 1);
    const controller = (this.#controller = new AbortController());
    this.#isDue = false;
    let wait = 0;
    try {
      const answer = await this.#send(controller.signal);
      if (sequence === this.#sequence) this.#onAnswer(answer);
    } catch (error) {
      if (sequence === this.#sequence) {
        this.#onError(error);
        if (error instanceof ApiError && error.isBusy) {
          this.#isDue = true;
          wait = BUSY_WAIT;
        }
      }
    }
    if (sequence !== this.#sequence) return;
    if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
    if (sequence !== this.#sequence) return;
    this.#controller = null;
    if (this.#isDue) this.#run();
  }
}
