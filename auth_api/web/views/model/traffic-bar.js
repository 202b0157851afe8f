// The traffic split as one bar.

import { el } from "../../modules/dom.js";
import { percent } from "../../modules/strings.js";

const COLOURS = 4;

/** The bar. `traffic` is percent by version. */
export function trafficBar(traffic) {
  const arms = Object.entries(traffic).filter(([, part]) => part > 0);
  return el(
    "ul",
    { class: "traffic-bar" },
    arms.map(([version, part], index) =>
      el(
        "li",
        { style: { "--part": String(part), "--series": `var(--series-${(index % COLOURS) + 1})` } },
        `${version} · ${percent(part / 100, 1)}`,
      ),
    ),
  );
}
