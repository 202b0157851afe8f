// Downloads everything that the service has of the account.

import { actionButton } from "../../modules/actions.js";
import { download } from "../../modules/api.js";
import { card } from "../../modules/components.js";
import { el, fill } from "../../modules/dom.js";
import { t } from "../../modules/strings.js";

/** The card: a button with a status line. */
export function archiveCard(signal) {
  const status = el("div", { class: "hint small status", role: "status" });
  const save = async () => {
    const name = `ranjana-account-${new Date().toISOString().slice(0, 10)}.zip`;
    fill(status, t("export.doing"));
    await download("/api/me/export/", name, { accept: "*/*", signal });
    fill(status, t("export.done", { name }));
  };
  const button = actionButton(t("archive.submit"), save, status);
  return card(
    t("archive.title"),
    el("p", {}, t("archive.what")),
    el("div", { class: "stack tight" }, el("div", { class: "row" }, button), status),
  );
}
