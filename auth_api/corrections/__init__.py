"""What users say of predictions, and how it becomes labelled data.

    giving      feedback is kept, with the digest of the picture it is about
    digesting   feedback from before digests were kept gets one
    reading     feedback with what is known of its prediction and its user
    voting      what those who sent the same picture agree on; pure
    collecting  the corrections: shown, judged, collected
    exporting   those that count, as a folder or a zip
    presenting  the same in JSON

Only pictures of users who consent to it, and whose account is open, ever become data; that is
asked each time anew.
"""
