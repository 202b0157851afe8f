"""`make benchmark`: speed, as ratios that are measured in one run.

speed      the service against other servers, by the number of callers, and under overload
accounts   recorded against anonymous predictions, and signing in
jobs       jobs and batches against TorchServe and single calls
analytics  queries on a history of a million rows
page       the first visit of the web page
hostile    attacks, and how long other callers wait meanwhile
comparing  the steps of one comparison
decoding   decoding and preprocessing of a 12-megapixel photograph
servers    the servers that are compared, which rivals implements
load       a load generator
pictures   the pictures that are sent
plots      the chart of docs/performance.md
timing     times of functions, and ratios of times
"""
