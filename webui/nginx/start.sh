#!/bin/sh
# Writes what depends on the environment below /tmp, and becomes nginx.
set -eu

url=${NOON_API_URL:-}
if [ -n "$url" ] && ! printf '%s' "$url" | tr '\n' ' ' |
    grep -Eq '^https?://[][A-Za-z0-9.:_-]+(/[A-Za-z0-9._~/-]*)?$'; then
    echo "noon-frontend: NOON_API_URL must be the address of the function app, such as https://func-noon.azurewebsites.net, not '$url'" >&2
    exit 2
fi
# Where scripts may connect to besides the page's own origin: scheme, host and port.
origin=$(printf '%s' "$url" | sed -E 's#^(https?://[^/]*).*#\1#')

printf '{ "apiUrl": "%s" }\n' "${url%/}" > /tmp/config.json
sed "s#\\\${NOON_API_ORIGIN}#$origin#g" /etc/noon/site.conf > /tmp/site.conf
exec nginx -c /etc/noon/nginx.conf -g 'daemon off;'
