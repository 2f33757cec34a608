#!/usr/bin/perl
# Accounts for the tests, after infra/request_tracker_queue.pl: prints their tokens as JSON.
#   pipeline: the rights that docs/writing-a-tracker.md asks for; reader: may only look; root: everything
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib', '/usr/local/share/request-tracker5/lib';
use RT -init; use RT::AuthToken; use JSON;

my $system = RT->SystemUser;
my $queue = RT::Queue->new($system);
$queue->Load('Hardware');
my %rights = (
    pipeline => [qw(SeeQueue CreateTicket ShowTicket ShowTicketComments CommentOnTicket ModifyTicket
                    SeeCustomField ModifyCustomField SetInitialCustomField)],
    reader => [qw(SeeQueue ShowTicket SeeCustomField)],
    root => [],
);
my %tokens;
for my $name (sort keys %rights) {
    my $user = RT::User->new($system);
    $user->Load($name);
    $user->Create(Name => $name, Privileged => 1, EmailAddress => "$name\@test.invalid") unless $user->Id;
    $user->PrincipalObj->GrantRight(Right => $_, Object => $queue) for @{$rights{$name}};
    my $token = RT::AuthToken->new($system);
    my ($ok, $message, $secret) = $token->Create(Owner => $user->Id, Description => 'tests');
    die "token of $name: $message\n" unless $ok;
    $tokens{$name} = $secret;
}
print to_json(\%tokens), "\n";
