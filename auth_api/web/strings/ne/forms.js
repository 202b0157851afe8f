// Errors of form fields. The keys are the service's own reasons, in Nepali.
export default {
  "reason.missing": "यो चाहिन्छ।",
  "reason.must have 3 to 30 characters": "कृपया ३ देखि ३० अक्षर लेख्नुहोस्।",
  "reason.must be letters of one script, Latin a-z or Devanagari, with digits and . _ - besides":
    "कृपया एउटै लिपिका अक्षर लेख्नुहोस्, रोमन a-z वा देवनागरी; अङ्क र . _ - पनि मिल्छन्।",
  "reason.is reserved: please choose another": "यो नाम आरक्षित छ। कृपया अर्को छान्नुहोस्।",
  "reason.is taken": "यो प्रयोगकर्ता नाम अरू कसैको हो।",
  "reason.has an account": "यस इमेल ठेगानाको खाता पहिल्यै छ।",
  "reason.value is not a valid email address": "यो इमेल ठेगाना मिलेन।",
  "reason.must have 8 to 128 characters": "कृपया ८ देखि १२८ वर्ण लेख्नुहोस्।",
  "reason.must not be the username or the e-mail address":
    "प्रयोगकर्ता नाम वा इमेल ठेगाना सजिलै अनुमान हुन्छ।",
  "reason.is one of the most common passwords": "यो धेरै चलेको पासवर्ड हो, जुन सबैभन्दा पहिले अनुमान गरिन्छ।",
  "reason.must be the name of a time zone, such as Asia/Kathmandu":
    "यस्तो समय क्षेत्र छैन। उदाहरण: Asia/Kathmandu।",
};
