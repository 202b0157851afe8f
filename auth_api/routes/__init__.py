"""One module a resource; a route parses, authorises, calls and answers."""
