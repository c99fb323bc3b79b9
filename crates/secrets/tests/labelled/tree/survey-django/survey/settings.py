"""Settings of the survey project."""
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "dj-u5tst-#C:wSC!H*W~AijMPz2ng=:l7tOICiL*2_%^3Z0Emj"
SECRET_KEY_FALLBACKS = [os.environ.get("OLD_SECRET_KEY", "")]
DEBUG = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
PASSWORD_RESET_TIMEOUT = 7200

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "survey",
        "USER": "survey",
        "PASSWORD": os.environ["SURVEY_DB_PASSWORD"],
    },
    "warehouse": {
        "ENGINE": "django.db.backends.mysql",
        "USER": "survey_ro",
        "PASSWORD": "Herbst&Laub_6",
        "HOST": "dwh.corp.example",
    },
}

EMAIL_HOST_USER = "survey"
EMAIL_HOST_PASSWORD = config("EMAIL_HOST_PASSWORD", default="")
CELERY_BROKER_URL = "redis://:JodGjolYRpkPnvJx6ApvRT@queue.corp.example:6379/0"
CACHES = {"default": {"LOCATION": "redis://cache:6379/1", "KEY_PREFIX": "survey"}}
CSRF_COOKIE_NAME = "survey_csrftoken"
LOGIN_URL = "/accounts/login/"
STATICFILES_HASH = "ae6d0093459b"
