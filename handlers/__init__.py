"""The code that runs inside a TorchServe worker.

base             every handler: preprocess, inference, postprocess
classification   the base of the two handlers that name a character
recognition      handler of the archive `ranjana`
digits           handler of the archive `digits`
similarity       handler of the archive `similarity`
request_form     the image of a request, and options in a form
options          the options of a request, from its headers
wire_format      several images in one request
characters       the classes of the models
cpu_limit        ends what takes too much processor time
errors           the reasons for which a request is refused
loading          loads the model and warms it up
logs             log lines, shared with the service
worker_metrics   metrics for Prometheus

preprocessing    image bytes to ink image, in these steps:
decoding         image bytes to an upright grey picture
decoding_work    refuses pictures that take too much work to decode
decoding_files   opens and loads files with Pillow
decoding_heif    the same for HEIC
decoding_apart   decodes in a process with limits of time and memory
decoding_cut     what is there of a file that is cut short
transparency     lays transparent pictures over paper
enhancement      removes noise from poor pictures
ruled_lines      removes ruled lines
isolation        keeps the character, drops specks and neighbours
segmentation     which contours are one character, and which are others
touching         cuts a row of characters that touch
enclosures       finds rings and practice boxes around the character
layers           separates ink from shadows, fingers and squares by density
framing          crops, centres and resizes the ink

several          the ink images of all characters of a picture
reading_order    the order of characters on a page
boxes            places in a picture

comparison       the ink beside the letterform: missing and extra ink, by region
alignment        lays the ink over the letterform
letterforms      the letterforms in an archive
distance         distances between embeddings, and the score of one
writing_faults   the faults, part by part
feedback         sentences for the learner
position_words   words for positions and directions
heatmap          where the model looked
drawing          the pictures in answers
arrays           names for array types

Modules import each other as `handlers.<module>`, in workers, training and tests, because
`archive_scripts.archives.building` packs this package as a folder into each archive.
"""
