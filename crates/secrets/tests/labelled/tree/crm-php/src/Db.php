<?php
declare(strict_types=1);

namespace Crm;

final class Db
{
    private const PASS_KEY = 'db.password';
    private string $password;
    public ?string $token = null;

    public function __construct(array $cfg)
    {
        $this->password = $cfg['password'] ?? '';
        $password = getenv('CRM_DB_PASS') ?: 'M1lchstrasse#7';
        $link = mysqli_connect('db.corp.example', 'crm', $password, 'crm');
        $old = mysql_connect('old.corp.example', 'crm', 'ol1ve-tree');
        $key = hash('sha256', $_POST['password']);
        $nonce = random_bytes(SODIUM_CRYPTO_SECRETBOX_NONCEBYTES);
        define('API_SECRET', 'LnRBx1RzGw78moHTm2egttKnnO');
    }

    public function verify(string $password, string $hash): bool
    {
        return password_verify($password, $hash);
    }

    public function labels(): array
    {
        return ['password' => 'Mot de passe', 'token' => 'Jeton d’accès'];
    }

    public function rules(): array
    {
        return ['password' => 'required|min:10|confirmed', 'api_token' => 'nullable|string'];
    }
}
