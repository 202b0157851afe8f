"""HTTP around the routes: ASGI middleware, reading of requests, and answers in one shape.

base64_text      decodes images that are sent as text
body_limit       limits the size of request bodies, and the time in which they arrive
body_memory      limits the memory that request bodies take
closing          lets clients read the last answer of a connection
connections      limits the connections of a process
content_types    sentences about bodies that are not what they say
cross_origin     answers the browsers of other sites' pages (CORS)
csv_text         tables as CSV
documents        answers that are the same for everyone, compressed once
error_responses  errors as answers
form_fields      receives the images and the fields of a form
form_framing     brings unusual forms into the ordinary form
json_response    answers in JSON
load_shedding    rejects requests for a model whose queue is too long
metrics_port     answers Prometheus on a port of its own
multipart        parses multipart forms as they arrive
page_files       the files of the web page
pagination       cursors and pages
part_content     decodes what a part of a form contains
part_headers     reads the headers of a part of a form
rate_limits      limits on requests, and on wrong passwords
request_context  id, log line, metrics and safe headers of every request
request_head     limits the head of a request while it arrives
same_origin      rejects requests that another site's page makes a browser send
slow_clients     disconnects clients that send or read too slowly
small_reads      reads many connections in small pieces
spool            keeps what arrives in memory, or on disk if it grows
trailing_slash   paths with and without a trailing slash
trusted_hosts    rejects requests for other host names
trusted_proxies  takes addresses of callers from proxies that are trusted
uploads          reads the images of a request
validation       checks queries and JSON bodies with pydantic models
"""
