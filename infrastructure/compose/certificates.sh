#!/usr/bin/env bash
# Makes the stack's own certificate authority and one key and certificate per container that listens or must prove who it is.
# Run once by the `certificates` service; a second run keeps what is there, so that restarts do not change anybody's trust.
# Each container mounts its own folder only; the authority's key is mounted by nobody but this script.
#
#   certificates.sh FOLDER [OWNER]     OWNER: uid:gid of the containers' user, such as 1000:0; empty: leave as made
set -euo pipefail
umask 077

folder=${1:?"usage: certificates.sh FOLDER [OWNER]"}
owner=${2:-}
days=1825 # five years; delete the volumes `certs-*` and start again to renew

authority=$folder/authority
mkdir -p "$authority" "$folder/trust"

if [ ! -s "$authority/ca.key" ] || [ ! -s "$authority/ca.crt" ]; then
  openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days "$days" \
    -subj "/O=Busyhour/CN=Busyhour stack authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout "$authority/ca.key" -out "$authority/ca.crt.new" 2>/dev/null
  mv "$authority/ca.crt.new" "$authority/ca.crt"
  echo "made a certificate authority"
fi
install -m 0644 "$authority/ca.crt" "$folder/trust/ca.crt"

# make NAME DNS-NAME…: key (PKCS #8, which Logstash insists on) and certificate for both ends of a connection.
make() {
  local name=$1
  shift
  local place=$folder/$name
  mkdir -p "$place"
  if [ -s "$place/$name.crt" ] && openssl verify -CAfile "$authority/ca.crt" "$place/$name.crt" >/dev/null 2>&1; then
    return
  fi
  local names="DNS:localhost,IP:127.0.0.1"
  local dns
  for dns in "$@"; do names="$names,DNS:$dns"; done
  openssl req -new -newkey rsa:3072 -sha256 -nodes -subj "/O=Busyhour/CN=$name" \
    -keyout "$place/$name.key" -out "$place/$name.csr" 2>/dev/null
  openssl x509 -req -sha256 -days "$days" -in "$place/$name.csr" -out "$place/$name.crt" \
    -CA "$authority/ca.crt" -CAkey "$authority/ca.key" -CAcreateserial -extfile <(
      echo "subjectAltName=$names"
      echo "basicConstraints=CA:FALSE"
      echo "keyUsage=critical,digitalSignature,keyEncipherment"
      echo "extendedKeyUsage=serverAuth,clientAuth"
    ) 2>/dev/null
  rm -f "$place/$name.csr"
  install -m 0644 "$authority/ca.crt" "$place/ca.crt"
  echo "made the certificate of $name"
}

make elasticsearch es01 es02 es03
make kibana kibana
make logstash logstash
make filebeat filebeat
make console console

chmod 0755 "$folder/trust"
for name in elasticsearch kibana logstash filebeat console; do
  chmod 0750 "$folder/$name"
  chmod 0640 "$folder/$name/$name.key"
  chmod 0644 "$folder/$name/$name.crt"
  if [ -n "$owner" ]; then chown -R "$owner" "$folder/$name"; fi
done
echo "certificates are ready"
