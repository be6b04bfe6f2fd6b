# Sourced by install and start: which engines there are and which Java they need.

# describe_engine ENGINE [secured]: sets product, version, artifact, and the range of Java versions that run the engine;
# of a secured OpenSearch also security_plugin, an artifact, too. needs_jdk says that a Java runtime alone is not enough.
# The upper end: Java 24 took the security manager away, which the older servers switch on.
describe_engine() {
  java_from=17 java_to=23 needs_jdk=
  case $1 in
    es7) product=elasticsearch version=7.17.29 ;;
    es8) product=elasticsearch version=8.19.21 java_to=99 ;;
    es9) product=elasticsearch version=9.5.3 java_from=21 java_to=99 needs_jdk=yes ;;
    os2) product=opensearch version=2.19.4 ;;
    os3) product=opensearch version=3.6.0 java_from=21 java_to=99 ;;
    *) fail "unknown engine '$1'; there are es7, es8, es9, os2 and os3" ;;
  esac
  security_plugin=
  if [ "${2-}" = secured ] && [ $product = opensearch ]; then
    [ "$1" != os3 ] || fail "the security plugin of OpenSearch 3 needs modules that are not published"
    security_plugin=org.opensearch.plugin:opensearch-security:$version.0:zip
  fi
  # The servers as their makers publish them for the integration tests of plugins: whole, but with few modules.
  artifact=org.$product.distribution.integ-test-zip:$product:$version:zip
}

# Prints the oldest Java home that the described engine can run on: JAVA_HOME, one of the system's, or the one that
# `install` fetched. Fails without a word where there is none.
find_java() {
  local home major best=0 best_home=
  for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/* "$(fetched_java)"; do
    [ -x "$home/bin/java${needs_jdk:+c}" ] || continue
    major=$("$home/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ -n "$major" ] && [ "$major" -ge $java_from ] && [ "$major" -le $java_to ] || continue
    if [ $best = 0 ] || [ "$major" -lt $best ]; then best=$major best_home=$home; fi
  done
  [ $best != 0 ] && echo "$best_home"
}

# Where `install` puts a Java of its own, for systems that package none that is new enough.
fetched_java() { echo "$(cache_directory)/java-25"; }
