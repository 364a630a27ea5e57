// Formulas first, then reveal.js, then every slide is made to fit.
function start() {
  const size = { width: 1280, height: 720 };
  for (const slide of document.querySelectorAll(".slides section section")) {
    const content = document.createElement("div");
    content.className = "fit";
    content.append(...slide.childNodes);
    slide.append(content);
    if (slide.parentElement.childElementCount === 1) slide.parentElement.replaceWith(slide);
  }
  Reveal.initialize({
    ...size, margin: 0.04, center: false, hash: true, transition: "none", slideNumber: "c/t",
    viewDistance: Number.MAX_SAFE_INTEGER, // all slides are laid out, so that they can be measured
  });
  const height = (slide) => slide.getBoundingClientRect().height / Reveal.getScale();
  const fit = () => document.querySelectorAll(".fit").forEach((slide) => {
    for (let zoom = 1; zoom > 0.45 && height(slide) > size.height - 30; zoom -= 0.05) {
      slide.style.zoom = zoom;
    }
  });
  Reveal.on("ready", fit);
  Reveal.on("pdf-ready", fit);
}
window.MathJax = {
  options: { enableMenu: false },
  tex: { inlineMath: [["$", "$"]] },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(start) },
};
