#!/usr/bin/perl
# What Prefail needs of a Request Tracker queue: five custom fields. Run once on RT's machine, as its user:
#   perl request_tracker_queue.pl Hardware
# Running it again changes nothing. Rights are yours to grant; docs/writing-a-tracker.md lists them.
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib', '/usr/local/share/request-tracker5/lib', '/opt/rt5/lib';
use RT -init;

my $name = shift or die "usage: $0 QUEUE\n";
my $system = RT->SystemUser;
my $queue = RT::Queue->new($system);
$queue->Load($name);
unless ($queue->Id) {
    my ($id, $message) = $queue->Create(Name => $name, Description => 'Predicted hardware failures');
    die "queue $name: $message\n" unless $id;
}
my @outcomes = qw(confirmed no_fault_found reseated firmware declined left_list replaced stopped_reporting);
my %fields = (
    PrefailKey => 'FreeformSingle',
    PrefailEnvironment => 'FreeformSingle',
    PrefailOpened => 'FreeformSingle',
    PrefailText => 'TextSingle',
    PrefailOutcome => 'SelectSingle',
);
for my $field_name (sort keys %fields) {
    my $field = RT::CustomField->new($system);
    $field->LoadByName(Name => $field_name, LookupType => 'RT::Queue-RT::Ticket', IncludeGlobal => 1);
    unless ($field->Id) {
        my ($id, $message) = $field->Create(
            Name => $field_name, Type => $fields{$field_name},
            LookupType => 'RT::Queue-RT::Ticket', Description => 'Written by Prefail');
        die "custom field $field_name: $message\n" unless $id;
        if ($field_name eq 'PrefailOutcome') {
            my $order = 0;
            $field->AddValue(Name => $_, SortOrder => $order++) for @outcomes;
        }
    }
    $field->AddToObject($queue) unless $field->IsAdded($queue->Id) or $field->IsGlobal;
}
print "queue $name is ready for Prefail\n";
