// Formulas first, then reveal.js, then every slide is made to fit.
const size = { width: 1280, height: 720 };

async function start() {
  for (const slide of document.querySelectorAll(".slides section section")) {
    const content = document.createElement("div");
    content.className = "fit";
    content.append(...[...slide.childNodes].filter((one) => one.nodeName !== "ASIDE"));
    slide.prepend(content);
    slide.parentElement.replaceWith(slide); // one below the other is for several slides
  }
  await Promise.all([...document.images].map((one) => one.decode()));
  Reveal.on("ready", fit);
  Reveal.on("pdf-ready", fit);
  Reveal.initialize({
    ...size, margin: 0.04, center: false, hash: true, transition: "none", slideNumber: "c/t",
    viewDistance: Number.MAX_SAFE_INTEGER, // all slides are laid out, so that they can be measured
    plugins: [RevealNotes],
    defaultTiming: 60, // shows the clock of a slide; each slide has its own seconds
  });
}

// A picture takes what the text leaves free: beside it if it is tall, else below it. Tables and what
// would be too small then are zoomed until the slide holds them.
function fit() {
  const height = (one) => one.getBoundingClientRect().height / Reveal.getScale();
  for (const slide of document.querySelectorAll(".fit")) {
    const pictures = [...slide.querySelectorAll("img")];
    const tall = pictures.some((one) => one.naturalHeight > 0.75 * one.naturalWidth);
    slide.classList.toggle("beside", tall);
    const over = height(slide) - (size.height - 30);
    for (const picture of pictures.filter((one) => over > 0 && height(one) > 0)) {
      picture.style.maxHeight = `${Math.max(height(picture) - over, 300)}px`;
    }
    const outputs = slide.querySelectorAll(".jp-CodeCell");
    for (let zoom = 1; zoom > 0.4 && height(slide) > size.height - 30; zoom -= 0.05) {
      outputs.forEach((one) => { one.style.zoom = zoom; });
    }
  }
  document.body.dataset.fitted = "yes"; // what tests wait for
}

window.MathJax = {
  options: { enableMenu: false },
  tex: { inlineMath: [["$", "$"]] },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(start) },
};
