# Writes the configuration file that gives code-server its password, so that it is in no command line and in no
# environment. Only code-server's user can read it.
#
# Runs as code-server's user before it. It wants, in its environment:
#   CREDENTIALS_DIRECTORY   where systemd put the credential `password` (LoadCredential=password)
#   CODE_SERVER_CONFIG      the file to write, in memory; code-server reads the same variable
#
# For bash and for any POSIX shell: its text is read as it is, without anything put into it.
set -eu

password=$(cat -- "$CREDENTIALS_DIRECTORY/password")
case $password in
"")
    echo "the credential \`password\` is empty: everybody could open code-server" >&2
    exit 78
    ;;
*[[:cntrl:]]*)
    echo "the credential \`password\` is no single line of text" >&2
    exit 78
    ;;
esac

umask 077
# YAML: between single quotes only these mean something.
quoted=$(printf '%s' "$password" | sed "s/'/''/g")
# Not the name that is read, so that nobody reads half of it.
printf "auth: password\npassword: '%s'\n" "$quoted" >"$CODE_SERVER_CONFIG.new"
mv -- "$CODE_SERVER_CONFIG.new" "$CODE_SERVER_CONFIG"
