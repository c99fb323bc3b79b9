import pytest
from django.urls import reverse

PASSWORD = "tulpen.Mandje.42"
NEW_PASSWORD = PASSWORD[::-1]
DUMMY_TOKEN = "abc"


@pytest.fixture
def member(django_user_model):
    return django_user_model.objects.create_user(
        username="mo", password=PASSWORD
    )


def test_login(client, member):
    assert client.login(username="mo", password=PASSWORD)
    assert not client.login(username="mo", password="foo")


@pytest.mark.parametrize("password", ["", "short", "password", "12345678"])
def test_weak_passwords_are_refused(client, member, password):
    response = client.post(reverse("password_change"), {"new_password": password})
    assert "too weak" in response.content.decode()


def test_token_login(client, settings):
    settings.API_TOKEN = "test-token"
    response = client.get("/api/", HTTP_AUTHORIZATION="Token test-token")
    assert response.status_code == 200


def test_live_sandbox(requests_mock):
    requests_mock.get("https://pay.example/ping", request_headers={"X-Api-Key": "4d7da9412c63c662e27c8787288993d6"})
    assert ping(secret=None) is True
