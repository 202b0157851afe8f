// The user's time zone, and the consent to train models with their pictures.

import { patch } from "../../modules/api.js";
import { el } from "../../modules/dom.js";
import { checkbox, field, form } from "../../modules/forms.js";
import { refreshUser } from "../../modules/session.js";
import { t } from "../../modules/strings.js";

export function preferencesForm(me) {
  const zones = el(
    "datalist",
    { id: "time-zones" },
    Intl.supportedValuesOf("timeZone").map((zone) => el("option", { value: zone })),
  );
  const fields = {
    timezone: field(
      t("preferences.timezone"),
      el("input", { value: me.timezone, list: zones.id, autocomplete: "off", required: true }),
      { hint: t("preferences.timezone.why") },
    ),
    training_consent: checkbox(t("consent.label"), me.training_consent, t("consent.why")),
  };
  const send = async (values) => {
    await patch("/api/me/", { ...values, timezone: values.timezone.trim() });
    await refreshUser();
    return t("preferences.done");
  };
  return [zones, form({ fields, submit: t("action.save"), send })];
}
