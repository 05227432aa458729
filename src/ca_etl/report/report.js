// Draws the charts and keeps them at one time selection, made on the strip of days, by dates or by a button.
"use strict";
(() => {
  const DAY = 864e5;
  const days = JSON.parse(document.getElementById("days").textContent);
  const [firstInput, lastInput] = [document.getElementById("first-day"), document.getElementById("last-day")];
  const shown = document.getElementById("shown-days");
  const buttons = document.querySelectorAll("button[data-days]");
  const views = [];
  let overview;
  let isDrawing = false; // the strip is being set, which is not a selection of its own

  const iso = (time) => new Date(time).toISOString().slice(0, 10);
  const clamp = (day) => (day < days.first ? days.first : day > days.last ? days.last : day);
  const count = (first, last) => Math.round((Date.parse(last) - Date.parse(first)) / DAY) + 1;

  // "all" or a number of days before the last one, which may be more than there are
  const beginOf = (button) => {
    const number = Number(button.dataset.days);
    return number ? clamp(iso(Date.parse(days.last) - (number - 1) * DAY)) : days.first;
  };

  const markStrip = (first, last) => {
    if (!overview) return Promise.resolve();
    const scale = overview.scale("x");
    const all = first === days.first && last === days.last;
    isDrawing = true;
    const done = () => { isDrawing = false; };
    return overview
      .signal("brush_x", all ? [0, 0] : [scale(Date.parse(first)), scale(Date.parse(last) + DAY)])
      .runAsync()
      .then(done, done);
  };

  const show = (first, last, isFromStrip) => {
    first = clamp(first);
    last = clamp(last);
    if (first > last) [first, last] = [last, first];
    firstInput.value = first;
    lastInput.value = last;
    shown.textContent = `${count(first, last)} days, ${first} to ${last}`;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(!button.disabled && last === days.last && first === beginOf(button)));
    }
    for (const view of views) view.signal("first_day", first).signal("last_day", last).runAsync();
    return isFromStrip ? Promise.resolve() : markStrip(first, last);
  };

  let pending;
  const follow = (_, selection) => {
    if (isDrawing) return;
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => {
      const [from, to] = selection.begin ?? [Date.parse(days.first), Date.parse(days.last) + DAY];
      show(iso(from + DAY / 2), iso(to - DAY / 2), true);
    });
  };

  const draw = async (figure) => {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const { view } = await vegaEmbed(figure.querySelector(".chart"), spec, {
      actions: false,
      ast: true, // the interpreter of expressions, since the page allows no code from text
      defaultStyle: false,
      logLevel: 1, // errors: a time without a filled day is no reason to warn
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    if (figure.id === "overview") {
      overview = view;
      view.addSignalListener("brush", follow);
    } else if (spec.params) {
      views.push(view);
    }
  };

  const chosen = () => firstInput.value && lastInput.value && show(firstInput.value, lastInput.value);
  for (const input of [firstInput, lastInput]) input.addEventListener("change", chosen);
  for (const button of buttons) {
    button.disabled = button.dataset.days !== "all" && beginOf(button) === days.first; // the same as "all"
    button.addEventListener("click", () => show(beginOf(button), days.last));
  }
  let resized;
  window.addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => markStrip(firstInput.value, lastInput.value), 200);
  });

  Promise.all([...document.querySelectorAll("figure[data-chart]")].map(draw)).then(() => {
    show(days.first, days.last);
    document.documentElement.dataset.drawn = "true";
  });
})();
