declare namespace Auth {
  type Password = string & { readonly brand: unique symbol };
  type TokenKind = 'access_token' | 'refresh_token' | 'id_token';
  interface Credentials { login: string; password: Password; remember?: boolean; }
  interface Keys { publicKey: CryptoKey; privateKey: CryptoKey; }
  const SECRET_PLACEHOLDER: '••••••••';
  const PASSWORD_INPUT_ID: 'login-form__password-2';
  const TOKEN_EVENT: 'kiosk:token-refreshed:v1';
  const KEYCODES: { enter: 13; escape: 27 };
  function decodeToken(token: string): { sub: string; exp: number };
  function hashPassword(password: Password, salt?: Uint8Array): Promise<ArrayBuffer>;
  const apiKeyHeader: 'x-kiosk-api-key';
}
export = Auth;
