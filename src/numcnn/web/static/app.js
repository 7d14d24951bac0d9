// The application: what is drawn is read, and what is read is shown.

import { ApiError, messageOf, readActivations, readPicture } from "./api_client.js";
import { Board, HEIGHT, WIDTH } from "./board.js";
import { find, makeButton } from "./elements.js";
import { EXAMPLES, strokesOf } from "./examples.js";
import { FeedbackForm } from "./feedback_form.js";
import { Inspector } from "./inspector.js";
import { LatestRequest } from "./latest_request.js";
import { decodePicture } from "./picture.js";
import { Result } from "./result.js";

const boardElement = find("board", HTMLElement);
const hint = find("hint", HTMLElement);
const pen = find("pen", HTMLElement);
const inside = find("inside", HTMLElement);
const eraseButton = find("erase", HTMLButtonElement);
const undoButton = find("undo", HTMLButtonElement);
const redoButton = find("redo", HTMLButtonElement);
const clearButton = find("clear", HTMLButtonElement);
const widthSlider = find("width", HTMLInputElement);

const board = new Board(find("paper", HTMLCanvasElement), onBoardChange);
const inspector = new Inspector(find("layers", HTMLElement), find("cell", HTMLElement));
const feedback = new FeedbackForm();
const result = new Result(() => {
  activations.cancel();
  showChosen();
});

/* Requests. */

/** @type {Blob | null} */
let picture = null; // what the result was read from

const reading = new LatestRequest(
  async (signal) => {
    const { sent } = board;
    const file = await board.file();
    return { answer: await readPicture(file, signal), sent, file };
  },
  ({ answer, sent, file }) => {
    picture = file;
    result.show(answer, sent);
    showChosen();
  },
  (error) => {
    const isBusy = error instanceof ApiError && error.isBusy;
    result.note(isBusy ? "The server is busy; trying again." : messageOf(error), true);
  },
);

const activations = new LatestRequest(
  async (signal) => {
    const { chosen } = result;
    return picture && chosen ? readActivations(picture, chosen.index, signal) : null;
  },
  (answer) => {
    if (answer) inspector.show(answer);
  },
  (error) => {
    // A busy server is asked again, and the inspector shows the last answer as long.
    if (!(error instanceof ApiError && error.isBusy)) result.note(messageOf(error), true);
  },
);

/**
 * Show what is drawn now, and read it.
 *
 * @param {boolean} isJump Whether it has nothing to do with what was drawn before.
 */
function onBoardChange(isJump) {
  undoButton.disabled = !board.canUndo;
  redoButton.disabled = !board.canRedo;
  clearButton.disabled = board.isEmpty;
  hint.hidden = !board.isEmpty;
  const { keyboardPen } = board;
  pen.hidden = !keyboardPen;
  if (keyboardPen) {
    const { at: [x, y], isDown } = keyboardPen;
    pen.classList.toggle("down", isDown);
    Object.assign(pen.style, { left: `${(x / WIDTH) * 100}%`, top: `${(y / HEIGHT) * 100}%` });
  }
  if (isJump || board.isEmpty) reading.cancel();
  if (board.isEmpty) showNothing();
  else reading.start();
}

/** Show an empty board's result. */
function showNothing() {
  activations.cancel();
  picture = null;
  result.clear();
  showChosen();
}

let isInsideVisible = false;
new IntersectionObserver(([entry]) => {
  isInsideVisible = entry.isIntersecting;
  if (isInsideVisible) showChosen();
}, { rootMargin: "200px" }).observe(inside);

/** Show the finding that is looked at in the form and, if anybody sees it, in the inspector. */
function showChosen() {
  feedback.show(result.chosen);
  if (!result.chosen) {
    activations.cancel();
    inspector.clear();
  } else if (isInsideVisible) {
    activations.start();
  }
}

/* Tools. */

undoButton.addEventListener("click", () => board.undo());
redoButton.addEventListener("click", () => board.redo());
clearButton.addEventListener("click", () => board.clear());
eraseButton.addEventListener("click", () => setErasing(!board.isErasing));
widthSlider.addEventListener("input", () => {
  board.width = Number(widthSlider.value);
});
document.addEventListener("keydown", (event) => {
  const { target } = event;
  const isText = "input:not([type=range]):not([type=checkbox])";
  if (target instanceof Element && target.matches(isText)) return;
  const action = shortcut(event);
  if (!action) return;
  action();
  event.preventDefault();
});

/**
 * Return what a key does.
 *
 * @param {KeyboardEvent} event
 * @returns {(() => void) | null} Null if it is no shortcut.
 */
function shortcut({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const name = key.toLowerCase();
  if (ctrlKey || metaKey) {
    if (name === "y" || (name === "z" && shiftKey)) return () => board.redo();
    return name === "z" ? () => board.undo() : null;
  }
  if (name === "e" && !altKey) return () => setErasing(!board.isErasing);
  return name === "delete" || name === "backspace" ? () => board.clear() : null;
}

/** @param {boolean} isErasing */
function setErasing(isErasing) {
  board.isErasing = isErasing;
  eraseButton.setAttribute("aria-pressed", String(isErasing));
}

/* Pictures and examples. */

/**
 * Put a picture file on the board.
 *
 * @param {File | undefined} file Nothing is done without one.
 */
async function putFile(file) {
  if (!file) return;
  try {
    board.putPicture(await decodePicture(file));
  } catch {
    result.note(
      "That is no picture that this browser can show; PNG and JPEG always work.", true,
    );
  }
}

for (const id of ["choose", "photograph"]) {
  const input = find(id, HTMLInputElement);
  input.addEventListener("change", () => {
    putFile(input.files?.[0]);
    // So that choosing the same file again is a change.
    input.value = "";
  });
}
addEventListener("paste", (event) => putFile(event.clipboardData?.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  boardElement.classList.add("dropping");
});
addEventListener("dragleave", () => boardElement.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  boardElement.classList.remove("dropping");
  putFile(event.dataTransfer?.files[0]);
});
find("examples", HTMLElement).append(...EXAMPLES.map((text) => {
  const button = makeButton(text, () => {
    setErasing(false);
    board.putStrokes(strokesOf(text, WIDTH, HEIGHT));
  });
  button.setAttribute("aria-label", `Example ${text}`);
  return button;
}));

showNothing();
