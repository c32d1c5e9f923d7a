// The shell text that lets a public key into an account, as ssh-copy-id does, and that asks sshd why it does not take one. It
// looks at everything first: what it refuses, it leaves as it was. Told in lines of fields with tabs between them; what
// they mean is src/ssh-setup/install-key.ts.

/**
 * Standard input: the line for `authorized_keys`. Prints `stop` with a reason and a path when nothing was changed, `did`
 * for each change, `had` for a key that is there, `warn` for what only a person can mend, `failed` with what was said.
 */
export const INSTALL_KEY = `umask 077; set -f
t=$(printf '\\t'); n='
'
tell() { printf '%s' "$1"; shift; for f in "$@"; do printf '\\t%s' "$(printf %s "$f" | tr '\\t\\n' '  ')"; done; echo; }
end() { tell "$@"; exit 0; }
# The mode and the owner of a thing itself, wherever a link leads.
look() { set -- $(ls -ldn "$1" 2>/dev/null); mode=$1; owner=$3; }
IFS= read -r line || [ -n "$line" ] || end stop nokey
set -- $line; blob=$2
me=$(id -u) || end stop nouser
if [ -e /data/freenas-v1.db ] || command -v midclt >/dev/null 2>&1; then end stop truenas; fi
cd 2>/dev/null || end stop home "$HOME"
home=$(pwd -P); base=\${home%/}/; dir=.ssh
if [ "$me" = 0 ] && [ -f /etc/openwrt_release ] && [ -d /etc/dropbear ]; then base=; dir=/etc/dropbear; fi
file=$dir/authorized_keys
if [ -n "$base" ]; then
  look .; case $owner in 0|"$me") ;; *) end stop foreign "$home" "$owner";; esac
fi
if [ -h "$dir" ]; then end stop link "$base$dir"; fi
if [ -e "$dir" ]; then
  [ -d "$dir" ] || end stop kind "$base$dir"
  look "$dir"; [ "$owner" = "$me" ] || end stop foreign "$base$dir" "$owner"
fi
if [ -h "$file" ]; then end stop link "$base$file"; fi
if [ -e "$file" ]; then
  [ -f "$file" ] || end stop kind "$base$file"
  look "$file"; [ "$owner" = "$me" ] || end stop foreign "$base$file" "$owner"
  [ -r "$file" ] && [ -w "$file" ] || end stop write "$base$file"
elif [ -d "$dir" ]; then [ -w "$dir" ] && [ -x "$dir" ] || end stop write "$base$dir"
else [ -w . ] || end stop write "$home"
fi
if [ -e /conf/config.xml ] || cat /etc/platform /etc/version 2>/dev/null | grep -Eqi 'pfsense|opnsense'; then tell warn appliance; fi

has() { grep -v '^[[:blank:]]*#' "$file" 2>/dev/null | grep -qF -e "$blob"; }
if [ ! -d "$dir" ]; then
  said=$(mkdir -p "$dir" 2>&1) || end failed "$base$dir" "$said"
  tell did dir "$base$dir"
fi
if has; then tell had "$base$file"
else
  new=; [ -e "$file" ] || new=1
  text=$line; if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then text=$n$line; fi
  # Not by printf alone, which in some shells does not say that the disk is full.
  said=$( { printf '%s\\n' "$text" | cat >>"$file"; } 2>&1 ) || end failed "$base$file" "$said"
  has || end failed "$base$file" "\${said:-it is not there afterwards}"
  [ "$text" = "$line" ] || tell did newline "$base$file"
  [ -z "$new" ] || tell did file "$base$file"
  tell did key "$base$file"
fi
# sshd's StrictModes refuses keys that others could have written.
close() {
  look "$1"; case $mode in ?????w*|????????w*) ;; *) return;; esac
  before=$mode
  if [ "$owner" = "$me" ] && chmod go-w "$1" 2>/dev/null; then tell did mode "$2" "$before"; else tell warn writable "$2" "$before"; fi
}
[ -z "$base" ] || close . "$home"
close "$dir" "$base$dir"
close "$file" "$base$file"
if command -v restorecon >/dev/null 2>&1; then
  said=$(restorecon -Fv "$dir" "$file" 2>/dev/null); [ -z "$said" ] || tell did label "$base$dir"
fi
exit 0`;

/**
 * Prints those settings that decide about keys, for this very login, as `sshd -T` does. Where that is not permitted (it reads
 * the host keys), those that hold for everybody, and as `perhaps` what the configuration says of files with keys.
 */
export const KEY_SETTINGS = `set -f; set -- $SSH_CONNECTION
c="user=$(id -un),host=$1,addr=$1,laddr=$3,lport=$4"
# The sshd that serves us tells in its title with which settings it was started.
s=; p=$PPID
for i in 1 2 3 4 5; do
  a=$(ps -o args= -p $p 2>/dev/null)
  case $a in *sshd*' [listener]'*) a=\${a#*: }; s=\${a%%' [listener]'*}; break;; esac
  p=$(ps -o ppid= -p $p 2>/dev/null); [ -n "$p" ] || break
done
[ -n "$s" ] || s=$(command -v sshd) || exit 0
show() { "$@" 2>/dev/null </dev/null | grep -Ei '^(authorizedkeysfile|pubkeyauthentication|permitrootlogin|authenticationmethods|allowusers|allowgroups|denyusers|denygroups) '; }
show $s -T -C "$c" || show sudo -n $s -T -C "$c" || show doas -n $s -T -C "$c" && exit 0
show $s -G
set +f
cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null | while read -r k v; do
  case $k in [Aa]uthorized[Kk]eys[Ff]ile) echo "perhaps $v";; esac
done
exit 0`;
