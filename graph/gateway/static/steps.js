// The steps of a turn with their models and times, closed until somebody asks.

import { element } from "./elements.js";

/** Nothing where the server told of no step. */
export function stepsElement({ told, times }, labels) {
  const steps = told.steps ?? [];
  if (!steps.length) return [];
  const longest = Math.max(...steps.map((step) => step.seconds)) || 1;
  const whole = times.whole ?? steps.reduce((sum, step) => sum + step.seconds, 0);
  const head = ["step", "model", "time"].map((name) => element("th", { scope: "col" }, labels.text(name)));
  const rows = steps.map((step) => rowElement(step, step.seconds / longest, labels));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  const more = [];
  if (times.first !== undefined && times.whole !== undefined) {
    const [first, last] = [times.first, times.whole].map((each) => labels.seconds(each));
    more.push(element("p", {}, labels.text("firstWords", { first, whole: last })));
  }
  if (told.request_id) more.push(element("p", {}, labels.text("requestId", { id: told.request_id })));
  const summary = element("summary", {}, `${labels.text("steps")} · ${labels.seconds(whole)}`);
  const wide = element("div", { class: "wide" }, table);
  return [element("details", {}, summary, element("div", { class: "table" }, wide, ...more))];
}

function rowElement({ name, model, seconds }, share, labels) {
  const bar = element("span", { class: "bar" });
  bar.style.inlineSize = `${Math.max(2, share * 100)}%`;
  return element(
    "tr",
    {},
    element("td", {}, name),
    element("td", { class: "model" }, model),
    element("td", { class: "seconds" }, labels.seconds(seconds), bar),
  );
}
