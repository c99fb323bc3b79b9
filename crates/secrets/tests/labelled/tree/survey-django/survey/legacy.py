SECRET_KEY = (
    'h2!v8k@0qz$w6n&x4j^r9t*b'
)
client.login(username='mara', password='Aland.Sund-1936')
form.fields['password'].widget = PasswordInput()
parser.add_argument('--password', help='Password of the account')
session.auth = ('mara', 'Zander+Netz.5')
requests.get(url, auth=(user, password))
raise ValueError('password {} is too short'.format(value))
assert response.json()['token'] == expected_token
error_password = 'At-least-8-characters!'
