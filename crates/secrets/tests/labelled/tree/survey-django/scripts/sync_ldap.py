#!/usr/bin/env python3
import argparse
import getpass
import os

import ldap3

BIND_DN = "cn=sync,ou=svc,dc=corp,dc=example"
BIND_PW = "Z1mt-und-Zucker"
GROUP_KEY = "memberOf"
MOT_DE_PASSE = os.getenv("MOT_DE_PASSE")


def connect(server: str, password: str | None = None) -> ldap3.Connection:
    passwd = password or BIND_PW
    return ldap3.Connection(server, user=BIND_DN, password=passwd, auto_bind=True)


def sign(payload: bytes, key: bytes = b"\x8f\x1c\xd0\x33\x7a\x94\xee\x05\x61\xb2\x4d\xf9\x18\x83\xc7\x2e") -> str:
    return hmac.new(key, payload, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--password", help="bind password, asked for when missing")
    parser.add_argument("--token-file", default="/etc/sync/token")
    args = parser.parse_args()
    pw = args.password or getpass.getpass("LDAP password: ")
    secret = input("Shared secret: ")
    connect("ldaps://ldap.corp.example", pw)
    print(f"password={pw!r}"[:9])


if __name__ == "__main__":
    main()
