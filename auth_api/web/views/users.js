// Users: who has an account, and what they may do.

import { attempt } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { el, fill } from "../modules/dom.js";
import { field, select } from "../modules/forms.js";
import { tool } from "../modules/pad-tools.js";
import { paged } from "../modules/pages.js";
import { badge, table } from "../modules/parts.js";
import { noteQuery } from "../modules/router.js";
import { day, t } from "../modules/strings.js";
import { sections } from "./operate/sections.js";
import { changeUser, newUser, ROLES } from "./users/forms.js";

// Milliseconds that typing rests before it is looked for.
const REST = 300;

export default async function view({ query, signal }) {
  const wanted = { search: query.search ?? "", role: query.role ?? "", active: query.active ?? "" };
  const columns = ["name", "id", "email", "role", "since", "change"].map((key) =>
    t(`users.${key}`),
  );
  const scroll = table(t("users.title"), columns, []);
  scroll.classList.add("lines");
  const said = el("div", { role: "status" });
  const pages = paged({
    list: scroll.querySelector("tbody"),
    load: (cursor) => get("/api/admin/users/", { ...wanted, cursor }, { signal }),
    show: (user) => rowOf(user, said),
    empty: () => t("users.none"),
  });
  const start = () => {
    noteQuery(wanted);
    return attempt(pages.start, said);
  };
  const created = async (user) => {
    await start();
    fill(said, el("p", { class: "notice good" }, t("users.created", { name: user.username })));
  };
  await pages.start();
  return [
    el("h1", {}, t("users.title")),
    sections(),
    filters(wanted, start, signal),
    el(
      "p",
      {},
      tool(t("users.new"), () => newUser(created)),
    ),
    said,
    scroll,
    pages.element,
  ];
}

function filters(wanted, start, signal) {
  let resting = null;
  signal.addEventListener("abort", () => clearTimeout(resting));
  const search = el("input", { type: "search", value: wanted.search, autocomplete: "off" });
  search.addEventListener("input", () => {
    clearTimeout(resting);
    wanted.search = search.value.trim();
    resting = setTimeout(start, REST);
  });
  const choice = (name, options) => {
    const change = (event) => {
      wanted[name] = event.target.value;
      start();
    };
    return select([["", t("jobs.any")], ...options], wanted[name], { on: { change } });
  };
  const roles = ROLES.map((role) => [role, t(`role.${role}`)]);
  const states = ["true", "false"].map((active) => [active, t(`users.active.${active}`)]);
  return el(
    "div",
    { class: "row controls", role: "search" },
    field(t("users.search"), search).element,
    field(t("users.role"), choice("role", roles)).element,
    field(t("users.active"), choice("active", states)).element,
  );
}

function rowOf(user, said) {
  const row = el("tr", {});
  const show = (now) => {
    const changed = (after) => {
      show(after);
      fill(said, el("p", { class: "notice good" }, t("users.changed", { name: after.username })));
      row.querySelector("button").focus();
    };
    const change = tool(t("users.change"), () => changeUser(now, changed));
    change.setAttribute("aria-label", t("users.changeOf", { name: now.username }));
    fill(
      row,
      el(
        "th",
        { scope: "row" },
        now.username,
        now.active ? null : [" ", badge(t("users.active.false"), "bad")],
      ),
      el("td", {}, now.id),
      el("td", {}, now.email),
      el("td", {}, t(`role.${now.role}`)),
      el("td", {}, day(now.created_at)),
      el("td", {}, change),
    );
  };
  show(user);
  return row;
}
