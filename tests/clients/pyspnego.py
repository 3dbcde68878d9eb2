"""pyspnego makes tokens; what travels over HTTP is up to the program."""

import base64
import urllib.error
import urllib.request

import spnego
from report import report


def answer_to(url, token):
    request = urllib.request.Request(url)
    if token is not None:
        request.add_header("Authorization", "Negotiate " + base64.b64encode(token).decode())
    try:
        return urllib.request.urlopen(request)
    except urllib.error.HTTPError as refusal:
        return refusal


def get(url):
    context = spnego.client(hostname="localhost", service="HTTP")
    token = context.step()
    while True:
        response = answer_to(url, token)
        scheme, _, reply = response.headers.get("WWW-Authenticate", "").partition(" ")
        if scheme != "Negotiate" or not reply or context.complete:
            break
        token = context.step(base64.b64decode(reply))
        if token is None:
            break
    return response.status, response.read().decode()


report(get)
