"""Settings of the service. What is secret comes from outside: `testudo vault exec` hands it over."""

import hashlib
import hmac
import os


def keeper_password():
    return os.environ["TIDE_KEEPER_PASSWORD"]


def session(user):
    return user + "." + hmac.new(os.environ["TIDE_SESSION_SECRET"].encode(), user.encode(), hashlib.sha256).hexdigest()
