// The reading: one request at a time, and always of what is drawn now.
//
// While an answer is awaited, changes only note that another request is due; so the newest answer
// is never older than one request, however fast the hand. After a jump (clear, undo, another
// picture) the request on its way is given up: its answer would be of something that is gone.

export class Latest {
  #ask; #tell; #fail; #controller = null; #isDue = false; #sequence = 0;

  /** `ask` makes a request, given an AbortSignal; `tell` gets its answer, `fail` its error. */
  constructor(ask, tell, fail) {
    this.#ask = ask;
    this.#tell = tell;
    this.#fail = fail;
  }

  /** Ask, now or as soon as the request on its way is answered. */
  want() {
    if (this.#controller) this.#isDue = true;
    else this.#run();
  }

  /** Give up what is on its way. */
  forget() {
    this.#sequence += 1;
    this.#isDue = false;
    this.#controller?.abort();
    this.#controller = null;
  }

  async #run() {
    const sequence = (this.#sequence += 1);
    const controller = (this.#controller = new AbortController());
    this.#isDue = false;
    let wait = 0;
    try {
      const answer = await this.#ask(controller.signal);
      if (sequence === this.#sequence) this.#tell(answer);
    } catch (error) {
      if (sequence === this.#sequence) {
        this.#fail(error);
        if (error.isBusy) {
          this.#isDue = true;
          wait = 800;
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

/** Ask the server, and turn what is wrong into an Error with a sentence for the user. */
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The program that serves this page does not answer.");
  }
  const found = await response.json().catch(() => ({}));
  if (response.ok) return found;
  const error = new Error(found.detail ?? `The server answered ${response.status}.`);
  error.isBusy = response.status === 429 || response.status === 503;
  throw error;
}

/** The bytes of a base64 text. */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** The numbers of a tensor of the API. */
export function floatsOf(tensor) {
  const view = new DataView(bytesOf(tensor.float32).buffer);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, place) => view.getFloat32(place * 4, true));
}
