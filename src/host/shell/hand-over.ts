// Programs, as text for `perl -e` and `bash -c`, that make a connection, show or check the token, and become the command
// whose standard input or output the socket then is. What runs them is far-end-script.ts.

/** Exit code of an end that could not connect; why is in the file that it was given. */
export const NOT_CONNECTED = 93;
/** Exit code of an end that got no port. */
export const NO_PORT = 94;

/** Milliseconds, in whole seconds for perl, that a client has to show the token while others wait. */
const TOKEN_SECONDS = 4;

/**
 * Arguments: `listen` or `connect`, `send` or `receive`, host, ports with commas between them, a FIFO with the token, the
 * marker, a file for errors, and the command. IPv6 and IPv4; nothing beyond perl's core.
 */
export const PERL = [
  'use Socket qw(:all)',
  'my ($do,$way,$host,$ports,$key,$m,$err,@cmd)=@ARGV',
  '$|=1; my ($c,$s,$got,$why)',
  'sub fail { open(my $e,">>",$err); print $e "$_[0]\\n"; close $e; exit $_[1] }',
  'open(my $k,"<",$key) or exit 96; my $t=<$k>; close $k; chomp $t',
  'my %hint=(socktype=>SOCK_STREAM,protocol=>IPPROTO_TCP,flags=>$do eq "listen"?AI_PASSIVE:0)',
  'PORT: for my $p (split /,/,$ports) { my ($e,@a)=getaddrinfo($host eq ""?undef:$host,$p,\\%hint); ' +
    `fail("$host: name or address cannot be resolved: $e",$do eq "listen"?${NO_PORT}:${NOT_CONNECTED}) if $e; ` +
    'for my $a (@a) { socket($s,$a->{family},SOCK_STREAM,0) or next; ' +
    'if ($do eq "listen") { setsockopt($s,SOL_SOCKET,SO_REUSEADDR,1); setsockopt($s,IPPROTO_IPV6,IPV6_V6ONLY,0) if $host eq "::"; if (bind($s,$a->{addr}) && listen($s,8)) { $got=$p; last PORT } } ' +
    'elsif (connect($s,$a->{addr})) { $got=$p; last PORT } $why="$!"; close $s } }',
  `$got or fail($why,$do eq "listen"?${NO_PORT}:${NOT_CONNECTED})`,
  'if ($do eq "connect") { $c=$s; syswrite($c,"$t\\n") } ' +
    'else { print "$m port $got $host\\n"; until ($c) { accept(my $n,$s) or next; ' +
    `my ($l,$b,$end)=("","",time+${TOKEN_SECONDS}); ` +
    'while (length($l)<200) { my $r=""; vec($r,fileno($n),1)=1; my $left=$end-time; ' +
    'last unless $left>0 && select($r,undef,undef,$left)>0; sysread($n,$b,1) or last; last if $b eq "\\n"; $l.=$b } ' +
    '$c=$n if $l eq $t } close $s }',
  'print "$m connected\\n"',
  '$way eq "send" ? open(STDOUT,">&",$c) : open(STDIN,"<&",$c)',
  'exec @cmd or exit 97',
].join('; ');

/** The same for bash, which only connects; arguments: `send` or `receive`, host, port, FIFO, marker, file, command. */
export const BASH_CONNECTS = [
  'exec 8>&2 2>>"$6"',
  `exec 9<>"/dev/tcp/$2/$3" || exit ${NOT_CONNECTED}`,
  'exec 2>&8 8>&-',
  'IFS= read -r t <"$4"; echo "$t" >&9; echo "$5 connected"',
  'd=$1; shift 6',
  'if [ "$d" = send ]; then exec "$@" >&9 9>&-; else exec "$@" <&9 9>&-; fi',
].join('; ');
