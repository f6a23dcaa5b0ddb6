#!/bin/sh
# The newest nginx and njs beside the installed ones, and Docker Compose: Debian's unstable packages, unpacked into a folder of their own
# ($1) and started with their own libraries. Nothing is installed; the lists, the cache and the status of apt are private too.
set -eu
place="$1"
[ -x "$place/nginx" ] && [ -x "$place/docker-compose" ] && exit 0
command -v apt-get >/dev/null 2>&1 || { echo "not here: apt-get, to fetch the newest nginx and Docker Compose" >&2; exit 0; }

uri=$(sed -n 's/^URIs: *//p; s/^deb [^h]*\(http[^ ]*\) .*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -m1 'debian/\{0,1\}$' || true)
[ -n "$uri" ] || { echo "not here: a Debian mirror, to fetch the newest nginx and Docker Compose" >&2; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
chmod -R a+rX "$work"
touch "$work/status"
# The keys of unstable may be newer than this machine's; what is fetched runs as nobody, in tests alone.
echo "deb [trusted=yes] $uri sid main" > "$work/sources.list"
fetch() {
  apt-get -q -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o Dir::State::status="$work/status" -o APT::Sandbox::User=root "$@" >/dev/null
}
fetch update
fetch -d -y --no-install-recommends install nginx libnginx-mod-http-js docker-compose
for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done

loader=$(cd "$work/root" && find . -name 'ld-linux-*.so.*' | head -n 1 | sed 's/^\.//')
libraries=$(dirname "$place/root$loader")
mkdir -p "$place"
rm -rf "$place/root"
mv "$work/root" "$place/root"
# A program of that folder under its own name, whole or not there.
wrapper() {
  cat > "$place/$1.new" <<END
#!/bin/sh
exec $place/root$loader --library-path $libraries $place/root$2 "\$@"
END
  chmod 755 "$place/$1.new"
  mv "$place/$1.new" "$place/$1"
}
chmod -R a+rX "$place"
wrapper docker-compose /usr/libexec/docker/cli-plugins/docker-compose
wrapper nginx /usr/sbin/nginx
