# Sourced by install and start: which engines there are and which Java they need.

# Sets product, version, artifact, and the range of Java versions that run the engine.
# The upper end: Java 24 took the security manager away, which the older servers switch on.
describe_engine() {
  java_from=17 java_to=23
  case $1 in
    es7) product=elasticsearch version=7.17.29 ;;
    es8) product=elasticsearch version=8.19.21 java_to=99 ;;
    es9) product=elasticsearch version=9.5.3 java_from=21 java_to=99 ;;
    os2) product=opensearch version=2.19.4 ;;
    os3) product=opensearch version=3.6.0 java_from=21 java_to=99 ;;
    *) fail "unknown engine '$1'; there are es7, es8, es9, os2 and os3" ;;
  esac
  # The servers as their makers publish them for the integration tests of plugins: whole, but with few modules.
  artifact=org.$product.distribution.integ-test-zip:$product:$version:zip
}

# Prints the oldest Java home that the described engine can run on: JAVA_HOME, or one of the system's.
find_java() {
  local home major best=0 best_home=
  for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
    [ -x "$home/bin/java" ] || continue
    major=$("$home/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ -n "$major" ] && [ "$major" -ge $java_from ] && [ "$major" -le $java_to ] || continue
    if [ $best = 0 ] || [ "$major" -lt $best ]; then best=$major best_home=$home; fi
  done
  [ $best != 0 ] || fail "$product $version needs Java $java_from to $java_to, looked in JAVA_HOME and /usr/lib/jvm:" \
    "apt-get install openjdk-$java_from-jdk-headless"
  echo "$best_home"
}
