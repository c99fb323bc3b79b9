-- dump of database accounts, 2023-05-02
CREATE USER 'importer'@'%' IDENTIFIED BY 'Rosen.kavalier_4';
CREATE USER 'report'@'10.%' IDENTIFIED WITH mysql_native_password AS '*6B05F342F1E70354E3F7EBC527F045717B592F2F';
CREATE ROLE ledger_ro LOGIN PASSWORD 'Fichten!Nadel9';
ALTER USER postgres WITH PASSWORD :'new_password';
GRANT SELECT ON crm.* TO 'bi'@'%';
SET PASSWORD FOR 'old'@'localhost' = PASSWORD('Himbeer_Geist');
CREATE TABLE users (
  id int NOT NULL,
  password varchar(72) NOT NULL,
  reset_token char(40) DEFAULT NULL,
  api_key varchar(64) DEFAULT '',
  PRIMARY KEY (id),
  UNIQUE KEY uq_reset_token (reset_token)
);
INSERT INTO users (id, password, reset_token, api_key) VALUES
  (1, '$2y$10$DiR9XY0M4dFIBrIOOW.DuTSOtnVhrY6pyMj0sssmNLqtP7kL.qVpm', NULL, 'kof91YexFt9VejMZiMLvcEOtehVHFZTI'),
  (2, '6d89e584c05456bb6412a99c7c70714d', NULL, ''),
  (3, '', NULL, NULL);
INSERT INTO settings (name, value) VALUES ('smtp_password', 'Nuss-Knacker_7');
INSERT INTO settings (name, value) VALUES ('password_min_length', '10');
INSERT INTO files (id, sha1, path) VALUES (9, '96369965b3d935d06353b1e4dea04b96babd59da', '/media/keyboard.jpg');
UPDATE users SET password = MD5(password) WHERE id = 4;
