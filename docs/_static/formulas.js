// Turns LaTeX into MathML, which browsers draw themselves: no request to another host.
// Temml 0.13.5, MIT licence; see temml-license.txt.
(() => {
  const here = document.currentScript.src.replace(/formulas\.js.*$/, "");
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = `${here}temml.css`;
  // A formula larger than its box scrolls; the keyboard reaches it only if it takes the focus.
  // Fonts differ and arrive late, so its size is watched.
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const wrapper = target.closest(".math-wrapper");
      const { scrollWidth, scrollHeight, clientWidth, clientHeight } = wrapper;
      if (scrollWidth > clientWidth || scrollHeight > clientHeight) {
        wrapper.tabIndex = 0;
        wrapper.setAttribute("role", "group");
        wrapper.setAttribute("aria-label", "Formula");
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) wrapper.removeAttribute(name);
      }
    }
  });
  const script = document.createElement("script");
  script.src = `${here}temml.min.js`;
  script.onload = () => {
    for (const element of document.querySelectorAll(".math")) {
      const source = element.textContent.trim();
      const isDisplay = element.tagName === "DIV";
      const formula = source.replace(/^\\[([]|\\[)\]]$/g, "");
      temml.render(formula, element, { displayMode: isDisplay, throwOnError: false });
    }
    for (const wrapper of document.querySelectorAll(".math-wrapper")) {
      watcher.observe(wrapper);
      for (const part of wrapper.querySelectorAll("*")) watcher.observe(part);
    }
  };
  document.head.append(style, script);
})();
