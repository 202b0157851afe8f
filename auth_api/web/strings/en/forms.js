// Errors of form fields. The keys are the service's own reasons.
export default {
  "reason.missing": "This field is required.",
  "reason.must have 3 to 30 characters": "3 to 30 characters, please.",
  "reason.must be letters of one script, Latin a-z or Devanagari, with digits and . _ - besides":
    "Letters of one script, please, Latin a-z or Devanagari, with digits and . _ - besides.",
  "reason.is reserved: please choose another": "This name is reserved. Please choose another.",
  "reason.is taken": "This username is taken.",
  "reason.has an account": "There is an account with this e-mail address.",
  "reason.value is not a valid email address": "This is not an e-mail address.",
  "reason.must have 8 to 128 characters": "8 to 128 characters, please.",
  "reason.must not be the username or the e-mail address":
    "Your username or e-mail address is too easy to guess.",
  "reason.is one of the most common passwords":
    "This is one of the most common passwords, which are guessed first.",
  "reason.must be the name of a time zone, such as Asia/Kathmandu":
    "There is no such time zone. An example is Asia/Kathmandu.",
};
