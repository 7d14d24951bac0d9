// The result: what was read, and how sure the network is.

import { decodeBytes } from "./base64.js";
import { HEIGHT, WIDTH } from "./board.js";
import { contextOf, find, make, makeButton } from "./elements.js";
import { findingsOf } from "./finding.js";

/** @import { ReadAnswer } from "./api_types.js" */
/** @import { SentArea } from "./board.js" */
/** @import { Finding } from "./finding.js" */

const FRAME_SIDE = 28; // pixels
const SPEECH_DELAY = 700; // milliseconds without a change until a screen reader is told

/** Shows the number, its digits with their probabilities, and boxes on the board. */
export class Result {
  #number = find("number", HTMLElement);
  #note = find("note", HTMLElement);
  #spoken = find("spoken", HTMLElement);
  #boxes = find("boxes", HTMLElement);
  #buttons = find("things", HTMLElement);
  #frame = find("frame", HTMLCanvasElement);
  #bars = Array.from({ length: 10 }, (_, digit) => new Bar(digit));
  /** @type {Finding[]} */
  #findings = [];
  #place = 0;
  #speech = 0;
  /** @type {() => void} */
  #onChoose;

  /** @param {() => void} onChoose Called when the user chooses another finding. */
  constructor(onChoose) {
    this.#onChoose = onChoose;
    find("bars", HTMLElement).append(...this.#bars.map((bar) => bar.element));
  }

  /**
   * The finding that is looked at; null if there is none.
   *
   * @returns {Finding | null}
   */
  get chosen() {
    return this.#findings[this.#place] ?? null;
  }

  /** Show that nothing is drawn. */
  clear() {
    this.#findings = [];
    this.#place = 0;
    this.#showNumber("Nothing yet", "empty");
    this.note("Nothing is drawn yet.");
    this.#boxes.replaceChildren();
    this.#buttons.replaceChildren();
    this.#showChosen();
    this.#speak("Nothing is drawn.");
  }

  /**
   * Show what was read.
   *
   * @param {ReadAnswer} answer
   * @param {SentArea} sent The part of the board that was read.
   */
  show(answer, sent) {
    const wasLast = this.#place === this.#findings.length - 1;
    this.#findings = findingsOf(answer);
    // Who looked at the last digit probably goes on writing.
    const last = this.#findings.length - 1;
    this.#place = Math.max(0, wasLast ? last : Math.min(this.#place, last));
    const isRead = answer.lines.length > 0;
    if (isRead) this.#showNumber(answer.text, "read");
    else if (this.#findings.length) this.#showNumber("Not a digit", "rejected");
    else this.#showNumber("Nothing yet", "empty");
    const note = noteOn(answer, this.#findings.length === 0);
    this.note(note);
    this.#speak(isRead ? `Read: ${answer.text.split("\n").join(", ")}. ${note}` : note);
    this.#showBoxes(answer.size, sent);
    this.#showButtons();
    this.#showChosen();
  }

  /**
   * Write a sentence below the number.
   *
   * @param {string} text
   * @param {boolean} [isBad] Whether it is an error.
   */
  note(text, isBad = false) {
    this.#note.textContent = text;
    this.#note.classList.toggle("bad", isBad);
  }

  /**
   * @param {string} text
   * @param {"read" | "rejected" | "empty"} state
   */
  #showNumber(text, state) {
    this.#number.textContent = text;
    this.#number.dataset.state = state;
    this.#number.classList.toggle("long", text.length > 6);
  }

  /**
   * Let a screen reader say something: when the hand rests, not at every stroke.
   *
   * @param {string} text
   */
  #speak(text) {
    clearTimeout(this.#speech);
    this.#speech = setTimeout(() => {
      this.#spoken.textContent = text;
    }, SPEECH_DELAY);
  }

  /**
   * Draw the boxes of the findings.
   *
   * @param {number[]} size Width and height of the picture that was read, in pixels.
   * @param {SentArea} sent Where it lies on the board.
   */
  #showBoxes([width, height], sent) {
    this.#boxes.replaceChildren(...this.#findings.map(({ box: [x, y, w, h], digit }, place) => {
      const box = make("div", "", "box");
      const top = ((sent.y + (y / height) * sent.height) / HEIGHT) * 100;
      box.classList.toggle("rejected", digit === null);
      box.classList.toggle("chosen", place === this.#place && this.#findings.length > 1);
      // No room for the label above the box.
      box.classList.toggle("low", top < 7);
      Object.assign(box.style, {
        left: `${((sent.x + (x / width) * sent.width) / WIDTH) * 100}%`,
        top: `${top}%`,
        width: `${((w / width) * sent.width * 100) / WIDTH}%`,
        height: `${((h / height) * sent.height * 100) / HEIGHT}%`,
      });
      box.append(make("span", digit === null ? "no digit" : String(digit)));
      return box;
    }));
  }

  /** Make a button for each finding. */
  #showButtons() {
    const hasFocus = this.#buttons.contains(document.activeElement);
    const buttons = this.#findings.map(({ frame, digit }, place) => {
      const button = makeButton("", () => this.#choose(place));
      button.setAttribute("aria-pressed", String(place === this.#place));
      const canvas = make("canvas");
      paintFrame(canvas, frame);
      canvas.setAttribute("aria-hidden", "true");
      button.append(canvas, digit === null ? "not a digit" : String(digit));
      return button;
    });
    this.#buttons.replaceChildren(...buttons);
    if (hasFocus) buttons[this.#place]?.focus();
  }

  /** @param {number} place */
  #choose(place) {
    this.#place = place;
    [...this.#buttons.children].forEach((button, i) => {
      button.setAttribute("aria-pressed", String(i === place));
    });
    [...this.#boxes.children].forEach((box, i) => box.classList.toggle("chosen", i === place));
    this.#showChosen();
    this.#onChoose();
  }

  /** Show the frame and the probabilities of the finding that is looked at. */
  #showChosen() {
    const { chosen } = this;
    paintFrame(this.#frame, chosen?.frame);
    this.#bars.forEach((bar, digit) => {
      bar.show(chosen?.probabilities?.[digit] ?? null, chosen?.digit === digit);
    });
  }
}

/** The probability of a digit. */
class Bar {
  element = make("li");
  #fill = make("div", "", "fill");
  #value = make("span", "", "value");

  /** @param {number} digit */
  constructor(digit) {
    const track = make("div", "", "track");
    track.append(this.#fill);
    this.element.append(make("span", String(digit)), track, this.#value);
  }

  /**
   * @param {number | null} share The probability; null if there is none.
   * @param {boolean} isBest Whether this digit was read.
   */
  show(share, isBest) {
    this.#fill.style.transform = `scaleX(${share ?? 0})`;
    this.#value.textContent = share === null ? "–" : percent(share);
    this.element.classList.toggle("best", isBest);
  }
}

/**
 * Say in a sentence how sure the network is, and what it did not read.
 *
 * @param {ReadAnswer} answer
 * @param {boolean} isBlank Whether there are no findings.
 * @returns {string}
 */
function noteOn({ lines, rejected }, isBlank) {
  const reasons = rejected.map((each) => each.reason);
  if (isBlank) {
    const reason = reasons[0] ?? "nothing is written here";
    return `${reason[0].toUpperCase()}${reason.slice(1)}.`;
  }
  const digits = lines.flatMap((line) => line.digits);
  if (reasons.length) {
    return `${digits.length ? "Left out" : "Rejected"}: ${[...new Set(reasons)].join("; ")}.`;
  }
  const least = percent(Math.min(...digits.map((digit) => digit.confidence)));
  return digits.length === 1
    ? `${least} sure.`
    : `${digits.length} digits, the least sure at ${least}.`;
}

/**
 * Write a probability as a percentage.
 *
 * @param {number} share From 0 to 1.
 * @returns {string}
 */
function percent(share) {
  if (share > 0.999) return "> 99.9%";
  return share < 0.001 ? "< 0.1%" : `${(share * 100).toFixed(1)}%`;
}

/**
 * Paint a frame that the network saw, a pixel a gray value.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} [frame] In base64; black by default.
 */
function paintFrame(canvas, frame) {
  canvas.width = FRAME_SIDE;
  canvas.height = FRAME_SIDE;
  const image = new ImageData(FRAME_SIDE, FRAME_SIDE);
  const gray = frame ? decodeBytes(frame) : new Uint8Array(FRAME_SIDE ** 2);
  gray.forEach((value, i) => image.data.set([value, value, value, 255], i * 4));
  contextOf(canvas).putImageData(image, 0, 0);
}
