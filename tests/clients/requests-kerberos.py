import requests
from report import report
from requests_kerberos import HTTPKerberosAuth

session = requests.Session()
session.auth = HTTPKerberosAuth()


def get(url):
    response = session.get(url)
    return response.status_code, response.text


report(get)
