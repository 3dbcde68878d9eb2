import os

import requests
from report import report
from requests_gssapi import HTTPSPNEGOAuth

session = requests.Session()
session.auth = HTTPSPNEGOAuth(channel_bindings=os.environ.get("CHANNEL_BINDINGS"))


def get(url):
    response = session.get(url)
    return response.status_code, response.text


report(get)
