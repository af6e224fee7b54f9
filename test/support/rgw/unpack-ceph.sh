#!/bin/sh
# unpack-ceph.sh DIRECTORY [SUITE]: puts the Ceph of a newer Debian (forky: 20.2) into DIRECTORY, with the C library and
# everything else that it was built with. Nothing is installed and the machine's own package state is not touched: apt
# works on a state of its own that knows of no installed package, and so fetches all that the programs need.
# About 160 MB are fetched from the mirror that this machine's apt uses; 500 MB on disk. Does nothing when it is there.
set -eu

target=${1:?usage: unpack-ceph.sh DIRECTORY [SUITE]}
suite=${2:-forky}
if [ -e "$target/.complete" ]; then exit 0; fi

mkdir -p "$target"
target=$(cd "$target" && pwd)
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
: >"$state/status"
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"

private_apt() {
  apt-get -q -y \
    -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
    -o APT::Sandbox::User=root -o APT::Architecture="$(dpkg --print-architecture)" "$@" >>"$state/log" 2>&1 || {
    tail -n 20 "$state/log" >&2
    exit 1
  }
}
private_apt update
private_apt --download-only --no-install-recommends install ceph-mon ceph-osd radosgw

for package in "$state"/cache/archives/*.deb; do
  # Only programs and libraries: no file of the tree is ever looked for at its usual place.
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$target" --no-same-owner --keep-directory-symlink \
    --exclude=./etc --exclude=./var --exclude=./usr/share --exclude=./usr/sbin --exclude=./usr/lib/systemd --exclude=./usr/lib/modules
done
touch "$target/.complete"
