# Sourced by the scripts here and in ../kql.

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# need COMMAND PACKAGE: says which Debian package brings a command that is missing.
need() {
  command -v "$1" > /dev/null || fail "'$1' is missing: apt-get install $2"
}

# Where downloads stay. Neither engine runs as root: root starts it as nobody, who cannot look into root's home.
cache_directory() {
  if [ "$(id -u)" = 0 ]; then
    echo /var/cache/flytail
  else
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/flytail"
  fi
}
