#!/bin/sh
# Writes TF Serving's SSLConfig from PEM files to standard output. It holds the private key: keep it as one.
#   sh ssl-config.sh KEY CERTIFICATE [CLIENT_CA]
# With CLIENT_CA, only clients that show a certificate signed by it are let in.
set -eu

fail() {
    echo "ssl-config.sh: $*" >&2
    exit 2
}

# NAME FILE KIND: FILE's blocks of KIND ("PRIVATE KEY" also matches "RSA PRIVATE KEY") as the text field NAME.
field() {
    [ -r "$2" ] || fail "$2 can't be read; expected a PEM file"
    awk -v name="$1" -v kind="$3" '
        # What stands around the blocks (such as openssl x509 -text writes) is no part of the key or certificate.
        { sub(/\r$/, "") }
        $0 ~ "^-----BEGIN ([A-Z]+ )?" kind "-----$" { inside = 1; if (!found++) print name ":" }
        inside { print "  \"" $0 "\\n\"" }
        /^-----END / { inside = 0 }
        END { exit !found || inside }
    ' "$2" || fail "$2 holds no whole $3; expected PEM, -----BEGIN $3----- to -----END $3-----"
}

[ $# -eq 2 ] || [ $# -eq 3 ] || fail "$# arguments; expected KEY CERTIFICATE [CLIENT_CA]"
field server_key "$1" "PRIVATE KEY"
field server_cert "$2" CERTIFICATE
if [ $# -eq 3 ]; then
    field custom_ca "$3" CERTIFICATE
    echo "client_verify: true"
fi
