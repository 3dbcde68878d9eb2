import httpx
from httpx_gssapi import HTTPSPNEGOAuth
from report import report

client = httpx.Client(auth=HTTPSPNEGOAuth())


def get(url):
    response = client.get(url)
    return response.status_code, response.text


report(get)
