// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The peers' rules hang together, and all peers have the same services. */
class RulesTest {
  private static final List<String> BACKENDS = List.of("10.244.1.3", "10.244.1.4");
  private static final String POD_CIDR = "10.244.0.0/16";

  private static Services services(int count) {
    return new Services(count, BACKENDS);
  }

  private static Set<String> all(Pattern pattern, String text) {
    return pattern.matcher(text).results().map(m -> m.group(1)).collect(Collectors.toSet());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 1_000, 10_000})
  void noTwoServicesShareAnAddressOrANodePort(int count) {
    Services services = services(count);
    List<String> addresses = IntStream.range(0, count).mapToObj(services::address).toList();
    assertThat(addresses).doesNotHaveDuplicates();
    List<Integer> ports =
        IntStream.range(0, count)
            .mapToObj(services::nodePort)
            .filter(port -> port.isPresent())
            .map(port -> port.getAsInt())
            .toList();
    assertThat(ports).doesNotHaveDuplicates().contains(Services.NODE_PORT);
    assertThat(ports).allSatisfy(port -> assertThat(port).isBetween(30_000, 32_767));
    assertThat(services.backends(services.measured())).isEqualTo(BACKENDS);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1_000})
  void everyChainOfIptablesIsDeclaredAndReached(int count) {
    String rules = IptablesRules.of(services(count), POD_CIDR);
    Set<String> declared = all(Pattern.compile("(?m)^:(KUBE-\\S+)"), rules);
    Set<String> reached = all(Pattern.compile("(?m) -j (KUBE-\\S+)$"), rules);
    assertThat(declared).isEqualTo(reached);
    assertThat(declared).allSatisfy(chain -> assertThat(chain).hasSizeLessThan(29));
  }

  @Test
  void anEndpointIsPickedByItsShareOfThoseLeft() {
    String rules =
        IptablesRules.of(new Services(1, List.of("10.0.0.1", "10.0.0.2", "10.0.0.3")), POD_CIDR);
    List<String> chances =
        Pattern.compile("--probability (\\S+)")
            .matcher(rules)
            .results()
            .map(m -> m.group(1))
            .toList();
    assertThat(chances).containsExactly("0.3333333333", "0.5000000000");
  }

  @Test
  void nodePortsComeAfterAllServices() {
    String rules = IptablesRules.of(services(100), POD_CIDR);
    List<String> portals = rules.lines().filter(l -> l.startsWith("-A KUBE-SERVICES")).toList();
    assertThat(portals).hasSize(101);
    assertThat(portals.get(50)).contains("measured");
    assertThat(portals.get(100)).endsWith("-j KUBE-NODEPORTS");
  }

  @Test
  void manyEndpointsGoWithoutComments() {
    String few = IptablesRules.of(services(100), POD_CIDR);
    String many = IptablesRules.of(services(1_000), POD_CIDR);
    assertThat(few.lines().filter(l -> l.contains("-j DNAT"))).allMatch(l -> l.contains("comment"));
    assertThat(many.lines().filter(l -> l.contains("-j DNAT")))
        .noneMatch(l -> l.contains("comment"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1_000})
  void everyChainOfNftablesIsDefinedAndReached(int count) {
    String rules = NftablesRules.of(services(count), "192.168.101.2", POD_CIDR, "10.96.0.0/12");
    Set<String> defined = all(Pattern.compile("(?m)^\\s*chain (\\S+) \\{(?!\\s*type)"), rules);
    Set<String> reached = all(Pattern.compile("(?:goto|jump) ([^\\s,]+)"), rules);
    assertThat(defined).isEqualTo(reached);
  }

  @Test
  void nftablesTranslatesToEachBackend() {
    String rules = NftablesRules.of(services(3), "192.168.101.2", POD_CIDR, "10.96.0.0/12");
    List<String> targets =
        Pattern.compile("dnat to (\\S+)").matcher(rules).results().map(RulesTest::first).toList();
    assertThat(targets).hasSize(6).contains("10.244.1.3:8080", "10.244.1.4:8080");
  }

  private static String first(MatchResult match) {
    return match.group(1);
  }
}
