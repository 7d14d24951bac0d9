// The feedback form: which digit it is, if it was read wrongly.

import { messageOf, sendFeedback } from "./api_client.js";
import { decodeBytes } from "./base64.js";
import { find, makeButton } from "./elements.js";

/** @import { Finding } from "./finding.js" */

/** Sends a finding with its right digit to a server that collects them, if the user agrees. */
export class FeedbackForm {
  #form = find("correction", HTMLFormElement);
  #agreed = find("agreed", HTMLInputElement);
  #message = find("kept", HTMLElement);
  /** @type {Finding | null} */
  #finding = null;
  #isCollecting = document.body.dataset.collecting === "yes";

  /** Make a button for each digit. */
  constructor() {
    const buttons = Array.from({ length: 10 }, (_, label) => {
      const button = makeButton(String(label), () => this.#send(label));
      button.setAttribute("aria-label", `It is a ${label}`);
      button.disabled = true;
      return button;
    });
    find("labels", HTMLElement).append(...buttons);
    this.#agreed.addEventListener("change", () => {
      for (const button of buttons) button.disabled = !this.#agreed.checked;
    });
  }

  /**
   * Ask about a finding.
   *
   * @param {Finding | null} finding Null to ask nothing.
   */
  show(finding) {
    this.#finding = finding;
    this.#form.hidden = !this.#isCollecting || !finding;
  }

  /** @param {number} label */
  async #send(label) {
    if (!this.#finding || !this.#agreed.checked) return;
    try {
      const { kept } = await sendFeedback(decodeBytes(this.#finding.frame), label);
      this.#message.textContent = `Kept as a ${label}; ${kept} in all. Thank you.`;
    } catch (error) {
      this.#message.textContent = messageOf(error);
    }
  }
}
