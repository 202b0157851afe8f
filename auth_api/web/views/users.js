// Users: the accounts and their roles.

import { attempt } from "../modules/actions.js";
import { get } from "../modules/api.js";
import { badge, button, table } from "../modules/components.js";
import { el, fill } from "../modules/dom.js";
import { field, select } from "../modules/forms.js";
import { paginatedList } from "../modules/pagination.js";
import { replaceQuery } from "../modules/router.js";
import { ROLES } from "../modules/session.js";
import { day, t } from "../modules/strings.js";
import { sections } from "./operate/sections.js";
import { changeUser, newUser } from "./users/forms.js";

// The search starts when typing has paused for so long.
const DEBOUNCE_MILLISECONDS = 300;

export default async function view({ query, signal }) {
  const filter = {
    search: query.search ?? "",
    role: query.role ?? "",
    active: query.active ?? "",
  };
  const columns = ["name", "id", "email", "role", "since", "change"].map((key) =>
    t(`users.${key}`),
  );
  const scroll = table(t("users.title"), columns, []);
  scroll.classList.add("lines");
  const status = el("div", { role: "status" });
  const pages = paginatedList({
    list: scroll.querySelector("tbody"),
    load: (cursor) => get("/api/admin/users/", { ...filter, cursor }, { signal }),
    show: (user) => rowOf(user, status),
    empty: () => t("users.none"),
  });
  const reload = () => {
    replaceQuery(filter);
    return attempt(pages.reload, status);
  };
  const onCreated = async (user) => {
    await reload();
    fill(status, el("p", { class: "notice good" }, t("users.created", { name: user.username })));
  };
  await pages.reload();
  return [
    el("h1", {}, t("users.title")),
    sections(),
    filterFields(filter, reload, signal),
    el(
      "p",
      {},
      button(t("users.new"), () => newUser(onCreated)),
    ),
    status,
    scroll,
    pages.element,
  ];
}

function filterFields(filter, reload, signal) {
  let timer = null;
  signal.addEventListener("abort", () => clearTimeout(timer));
  const search = el("input", { type: "search", value: filter.search, autocomplete: "off" });
  search.addEventListener("input", () => {
    clearTimeout(timer);
    filter.search = search.value.trim();
    timer = setTimeout(reload, DEBOUNCE_MILLISECONDS);
  });
  const choice = (name, options) => {
    const change = (event) => {
      filter[name] = event.target.value;
      reload();
    };
    return select([["", t("jobs.any")], ...options], filter[name], { on: { change } });
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

function rowOf(user, status) {
  const row = el("tr", {});
  const show = (current) => {
    const onChanged = (after) => {
      show(after);
      fill(status, el("p", { class: "notice good" }, t("users.changed", { name: after.username })));
      row.querySelector("button").focus();
    };
    const change = button(t("users.change"), () => changeUser(current, onChanged));
    change.setAttribute("aria-label", t("users.changeOf", { name: current.username }));
    fill(
      row,
      el(
        "th",
        { scope: "row" },
        current.username,
        current.active ? null : [" ", badge(t("users.active.false"), "bad")],
      ),
      el("td", {}, current.id),
      el("td", {}, current.email),
      el("td", {}, t(`role.${current.role}`)),
      el("td", {}, day(current.created_at)),
      el("td", {}, change),
    );
  };
  show(user);
  return row;
}
