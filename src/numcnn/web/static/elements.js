// Elements of the page: found by their id, or made.

/**
 * Find an element by its id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind Its class, such as HTMLButtonElement.
 * @returns {T}
 * @throws {TypeError} There is none of that class.
 */
export function find(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`index.html has no ${kind.name} with the id "${id}"`);
}

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag Its name, such as "div".
 * @param {string} [text]
 * @param {string} [className]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, text = "", className = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/**
 * Make a button that sends no form.
 *
 * @param {string} text
 * @param {() => void} onClick
 * @returns {HTMLButtonElement}
 */
export function makeButton(text, onClick) {
  const button = make("button", text);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

/**
 * Return what a canvas is drawn on with.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 * @throws {Error} The browser has no memory left for it.
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  return context;
}
