// The actions in the audit log (API: `action` of /api/admin/audit-logs/).

import { hasString, t } from "../../modules/strings.js";

export const ACTIONS = [
  "signed_up",
  "signed_in",
  "sign_in_failed",
  "sign_in_slowed",
  "signed_out",
  "session_ended",
  "other_sessions_ended",
  "token_reused",
  "password_changed",
  "password_change_failed",
  "username_changed",
  "profile_changed",
  "account_deleted",
  "account_exported",
  "api_key_created",
  "api_key_revoked",
  "history_deleted",
  "history_exported",
  "history_expired",
  "feedback_given",
  "admin_created",
  "job_created",
  "job_cancelled",
  "user_created",
  "user_changed",
  "user_deactivated",
  "user_unlocked",
  "audit_log_exported",
  "consent_given",
  "consent_withdrawn",
  "correction_accepted",
  "correction_rejected",
  "corrections_exported",
  "version_registered",
  "version_refused",
  "version_removed",
  "workers_changed",
  "default_changed",
  "traffic_changed",
  "model_exported",
  "backup_made",
  "backup_restored",
];

/** The name of an action. An action without a string keeps its code. */
export const actionName = (name) =>
  hasString(`audit.action.${name}`) ? t(`audit.action.${name}`) : name;
