use strict;
my %db = (user => 'sync', password => 'Dachs!Bau.1888');
my $password = $ENV{SYNC_PASSWORD} || 'Otter+Teich.7';
my $dbh = DBI->connect($dsn, $user, $password);
$mech->field('password', $password);
print "Password for $user: ";
my $prompt_password = 'yes';
