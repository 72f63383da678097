# Writes the environment file that gives Open WebUI the key by which it signs its sessions.
#
# Runs as Open WebUI's user before it. It wants, in its environment:
#   CREDENTIALS_DIRECTORY   where systemd put the credential `secret-key` (LoadCredential=secret-key)
#   SECRET_ENVIRONMENT      the file to write, in memory (EnvironmentFile=)
#
# For bash and for any POSIX shell: its text is read as it is, without anything put into it.
set -eu

key=$(cat -- "$CREDENTIALS_DIRECTORY/secret-key")
case $key in
"")
    echo "the credential \`secret-key\` is empty: everybody could sign a session" >&2
    exit 78
    ;;
*[[:cntrl:]]*)
    echo "the credential \`secret-key\` is no single line of text" >&2
    exit 78
    ;;
esac

umask 077
# systemd.exec(5), EnvironmentFile=: between double quotes a backslash takes the meaning of these.
quoted=$(printf '%s' "$key" | sed 's/[\\"`$]/\\&/g')
printf 'WEBUI_SECRET_KEY="%s"\n' "$quoted" >"$SECRET_ENVIRONMENT.new"
mv -- "$SECRET_ENVIRONMENT.new" "$SECRET_ENVIRONMENT"
