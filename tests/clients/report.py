"""What every client program here does: asks for a URL some times, and prints how each request ended."""

import sys


def report(get):
    """`get` takes a URL and returns status and body."""
    url, times = sys.argv[1], int(sys.argv[2])
    for _ in range(times):
        try:
            status, body = get(url)
        except Exception as error:
            print("failed", type(error).__name__)
        else:
            print("answer", status, body.partition("\n")[0])
