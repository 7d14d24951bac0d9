// The page: what is drawn is read, and what is read is shown.

import { Board, HEIGHT, WIDTH, pictureOf } from "./board.js";
import { EXAMPLES, strokesOf } from "./examples.js";
import { Inspector } from "./inspector.js";
import { Latest, ask, bytesOf } from "./reading.js";

const $ = (id) => document.getElementById(id);
const board = new Board($("paper"));
const inspector = new Inspector($("layers"), $("cell"));
const state = { things: [], chosen: 0, blob: null };

/* Reading. */

const reading = new Latest(
  async (signal) => {
    const { sent } = board;
    const blob = await board.file();
    const found = await ask("/api/v1/read?frames=true", { method: "POST", body: blob, signal });
    return { found, sent, blob };
  },
  showReading,
  (error) => note(error.isBusy ? "The server is busy; trying again." : error.message, true),
);
const looking = new Latest(
  (signal) => ask(`/api/v1/activations?index=${state.things[state.chosen].index}`, { method: "POST", body: state.blob, signal }),
  (found) => inspector.show(found),
  (error) => error.isBusy || note(error.message, true),
);

board.addEventListener("change", ({ detail }) => {
  $("undo").disabled = !board.canUndo;
  $("redo").disabled = !board.canRedo;
  $("clear").disabled = board.isEmpty;
  $("hint").hidden = !board.isEmpty;
  const pen = board.penAt;
  $("pen").hidden = !pen;
  if (pen) {
    $("pen").classList.toggle("down", pen.isDown);
    Object.assign($("pen").style, { left: `${(pen.at[0] / WIDTH) * 100}%`, top: `${(pen.at[1] / HEIGHT) * 100}%` });
  }
  if (detail.isJump) reading.forget();
  if (board.isEmpty) {
    reading.forget();
    showNothing();
  } else {
    reading.want();
  }
});

function showNothing() {
  looking.forget();
  Object.assign(state, { things: [], chosen: 0, blob: null });
  number("Nothing yet", "empty");
  note("Nothing is drawn yet.");
  $("boxes").replaceChildren();
  $("things").replaceChildren();
  showThing();
  inspector.show(null);
  speak("Nothing is drawn.");
}

function showReading({ found, sent, blob }) {
  const digits = found.lines.flatMap((line) => line.digits);
  const things = [...digits, ...found.rejected].filter((thing) => thing.index !== undefined);
  things.sort((a, b) => a.index - b.index);
  const hadOne = state.chosen === state.things.length - 1;
  state.things = things;
  state.blob = blob;
  // Who looked at the last digit probably goes on writing.
  state.chosen = hadOne ? things.length - 1 : Math.min(state.chosen, things.length - 1);
  state.chosen = Math.max(0, state.chosen);
  const blank = !things.length;
  if (digits.length) number(found.text, "read");
  else number(blank ? "Nothing yet" : "Not a digit", blank ? "empty" : "rejected");
  const reasons = found.rejected.map((thing) => thing.reason);
  if (blank) note(`${sentence(reasons[0] ?? "nothing is written here")}.`);
  else if (reasons.length) note(`${digits.length ? "Left out" : "Rejected"}: ${[...new Set(reasons)].join("; ")}.`);
  else if (digits.length === 1) note(`${percent(digits[0].confidence)} sure.`);
  else note(`${digits.length} digits, the least sure at ${percent(Math.min(...digits.map((digit) => digit.confidence)))}.`);
  speak(digits.length ? `Read: ${found.text.split("\n").join(", ")}. ${$("note").textContent}` : $("note").textContent);
  showBoxes(found.size, sent);
  showThings();
  showThing();
  look();
}

function look() {
  if (!state.things.length) {
    looking.forget();
    inspector.show(null);
  } else if (isInsideSeen) {
    looking.want();
  }
}

let isInsideSeen = false;
new IntersectionObserver(([entry]) => {
  isInsideSeen = entry.isIntersecting;
  if (isInsideSeen) look();
}, { rootMargin: "200px" }).observe($("inside"));

/* What is read. */

function number(text, kind) {
  $("number").textContent = text;
  $("number").dataset.state = kind;
  $("number").classList.toggle("long", text.length > 6);
}

function note(text, isBad = false) {
  $("note").textContent = text;
  $("note").classList.toggle("bad", isBad);
}

let speaking = 0;
function speak(text) {
  // A screen reader is told when the hand rests, not at every stroke.
  clearTimeout(speaking);
  speaking = setTimeout(() => { $("spoken").textContent = text; }, 700);
}

function showBoxes([width, height], sent) {
  $("boxes").replaceChildren(...state.things.map((thing, place) => {
    const [x, y, w, h] = thing.box;
    const box = document.createElement("div");
    box.className = "box";
    box.classList.toggle("rejected", thing.digit === undefined);
    box.classList.toggle("chosen", place === state.chosen && state.things.length > 1);
    const left = ((sent.x + (x / width) * sent.width) / WIDTH) * 100;
    const top = ((sent.y + (y / height) * sent.height) / HEIGHT) * 100;
    box.classList.toggle("low", top < 7);
    Object.assign(box.style, {
      left: `${left}%`, top: `${top}%`,
      width: `${((w / width) * sent.width * 100) / WIDTH}%`, height: `${((h / height) * sent.height * 100) / HEIGHT}%`,
    });
    const label = document.createElement("span");
    label.textContent = thing.digit ?? "no digit";
    box.append(label);
    return box;
  }));
}

function showThings() {
  const hasFocus = $("things").contains(document.activeElement);
  $("things").replaceChildren(...state.things.map((thing, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(place === state.chosen));
    const canvas = document.createElement("canvas");
    paintFrame(canvas, thing.frame);
    canvas.setAttribute("aria-hidden", "true");
    button.append(canvas, thing.digit === undefined ? "not a digit" : String(thing.digit));
    button.addEventListener("click", () => choose(place));
    return button;
  }));
  if (hasFocus) $("things").children[state.chosen]?.focus();
}

function choose(place) {
  state.chosen = place;
  [...$("things").children].forEach((button, at) => button.setAttribute("aria-pressed", String(at === place)));
  [...$("boxes").children].forEach((box, at) => box.classList.toggle("chosen", at === place));
  showThing();
  looking.forget();
  look();
}

function paintFrame(canvas, frame) {
  canvas.width = canvas.height = 28;
  const image = new ImageData(28, 28);
  const gray = frame ? bytesOf(frame) : new Uint8Array(784);
  gray.forEach((value, place) => image.data.set([value, value, value, 255], place * 4));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const bars = Array.from({ length: 10 }, (_, digit) => {
  const line = document.createElement("li");
  const [name, track, fill, value] = ["span", "div", "div", "span"].map((kind) => document.createElement(kind));
  name.textContent = digit;
  track.className = "track";
  fill.className = "fill";
  value.className = "value";
  track.append(fill);
  line.append(name, track, value);
  $("bars").append(line);
  return { line, fill, value };
});

function showThing() {
  const thing = state.things[state.chosen];
  paintFrame($("frame"), thing?.frame);
  bars.forEach(({ line, fill, value }, digit) => {
    const share = thing?.probabilities?.[digit] ?? 0;
    fill.style.transform = `scaleX(${share})`;
    value.textContent = thing?.probabilities ? percent(share) : "–";
    line.classList.toggle("best", thing?.digit === digit);
  });
  $("correction").hidden = document.body.dataset.collecting !== "yes" || !thing;
}

function percent(share) {
  if (share > 0.999) return "> 99.9%";
  return share < 0.001 ? "< 0.1%" : `${(share * 100).toFixed(1)}%`;
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1);

/* Tools. */

$("undo").addEventListener("click", () => board.undo());
$("redo").addEventListener("click", () => board.redo());
$("clear").addEventListener("click", () => board.clear());
$("erase").addEventListener("click", () => erase(!board.isErasing));
$("width").addEventListener("input", () => { board.width = Number($("width").value); });
document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("input:not([type=range]):not([type=checkbox])")) return;
  const isCommand = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isCommand && key === "z") event.shiftKey ? board.redo() : board.undo();
  else if (isCommand && key === "y") board.redo();
  else if (!isCommand && !event.altKey && key === "e") erase(!board.isErasing);
  else if (!isCommand && (key === "delete" || key === "backspace")) board.clear();
  else return;
  event.preventDefault();
});

function erase(isErasing) {
  board.isErasing = isErasing;
  $("erase").setAttribute("aria-pressed", String(isErasing));
}

/* Pictures and examples. */

async function take(file) {
  if (!file) return;
  try {
    board.put(await pictureOf(file));
  } catch {
    note("That is no picture that this browser can show; PNG and JPEG always work.", true);
  }
}

for (const id of ["choose", "photograph"]) {
  $(id).addEventListener("change", () => {
    take($(id).files[0]);
    $(id).value = "";
  });
}
addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files][0];
  if (file) take(file);
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  $("board").classList.add("dropping");
});
for (const name of ["dragleave", "drop"]) {
  addEventListener(name, () => $("board").classList.remove("dropping"));
}
addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
for (const text of EXAMPLES) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.setAttribute("aria-label", `Example ${text}`);
  button.addEventListener("click", () => {
    erase(false);
    board.write(strokesOf(text, WIDTH, HEIGHT));
  });
  $("examples").append(button);
}

/* Corrections. */

for (let label = 0; label < 10; label += 1) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-label", `It is a ${label}`);
  button.disabled = true;
  button.addEventListener("click", async () => {
    const thing = state.things[state.chosen];
    if (!thing || !$("agreed").checked) return;
    const body = JSON.stringify({ pixels: [...bytesOf(thing.frame)], label, agreed: true });
    try {
      const headers = { "Content-Type": "application/json" };
      const { kept } = await ask("/api/v1/collection", { method: "POST", body, headers });
      $("kept").textContent = `Kept as a ${label}; ${kept} in all. Thank you.`;
    } catch (error) {
      $("kept").textContent = error.message;
    }
  });
  $("labels").append(button);
}
$("agreed").addEventListener("change", () => {
  for (const button of $("labels").children) button.disabled = !$("agreed").checked;
});

showNothing();
