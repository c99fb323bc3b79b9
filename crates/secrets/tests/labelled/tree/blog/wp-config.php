<?php
/** Database settings */
define( 'DB_NAME', 'blog' );
define( 'DB_USER', 'blog' );
define( 'DB_PASSWORD', 'g0lden-Kiwi!' );
define( 'DB_HOST', 'localhost' );
define( 'DB_CHARSET', 'utf8mb4' );

/* Authentication keys and salts */
define( 'AUTH_KEY',         'ALA36axV-Yq:1u88bBtUPEC+HqE3Q#~Lu!5*5T?%dXqG3dxlUNcP-9ytF@26fY:~' );
define( 'SECURE_AUTH_KEY',  'HmpXJx+eiWGNxancrYD@MZd=hX0V0yxnMcJ*r=5ThTZDh-3PggmAyX3#aV15kMCv' );
define( 'LOGGED_IN_KEY',    'write a phrase of your own' );
define( 'NONCE_KEY',        getenv('WP_NONCE_KEY') );
define( 'AUTH_SALT',        'jg*^KpNbgp+tvRG4MLE:_iVN75HUMq1lSjLC80n%20QazWq+mK8M^wHmY?9qb+U8' );
define( 'SECURE_AUTH_SALT', 'write a phrase of your own' );

$table_prefix = 'wp_';
define( 'FTP_PASS', '' );
define( 'FTP_PRIKEY', '/etc/blog/ftp.key' );
define( 'WP_DEBUG', false );
define( 'WP_CACHE_KEY_SALT', 'blog.example' );
define( 'COOKIEHASH', md5( 'https://blog.example' ) );
require_once ABSPATH . 'wp-settings.php';
