#!/bin/sh
# Packages the chart into build/, and with a registry pushes it there and signs what arrived.
#   helm/publish.sh                                   only the package
#   helm/publish.sh oci://registry.example.com/charts  push it
#   COSIGN_KEY=cosign.key helm/publish.sh oci://...    and sign it by its digest, with cosign
# The registry's name, login and key come from outside; a tag may move, so only a digest is signed.
set -eu
cd "$(dirname "$0")/.."
HELM=${HELM:-helm}
mkdir -p build
"$HELM" package helm/parley --destination build
version=$(sed -n 's/^version: //p' helm/parley/Chart.yaml)
[ $# -eq 0 ] && exit 0

said=$("$HELM" push "build/parley-$version.tgz" "$1" 2>&1) || { echo "$said" >&2; exit 1; }
echo "$said"
[ -n "${COSIGN_KEY:-}" ] || exit 0
digest=$(echo "$said" | sed -n 's/^Digest: //p')
[ -n "$digest" ] || { echo "helm push named no digest: nothing is signed" >&2; exit 1; }
cosign sign --yes --key "$COSIGN_KEY" "${1#oci://}/parley@$digest"
