// Turns LaTeX into MathML, which browsers draw themselves: no request to another host.
// Temml 0.13.5, MIT licence; see temml-license.txt.
(() => {
  const here = document.currentScript.src.replace(/formulas\.js.*$/, "");
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = `${here}temml.css`;
  const script = document.createElement("script");
  script.src = `${here}temml.min.js`;
  script.onload = () => {
    for (const element of document.querySelectorAll(".math")) {
      const source = element.textContent.trim();
      const isDisplay = element.tagName === "DIV";
      const formula = source.replace(/^\\[([]|\\[)\]]$/g, "");
      temml.render(formula, element, { displayMode: isDisplay, throwOnError: false });
    }
  };
  document.head.append(style, script);
})();
