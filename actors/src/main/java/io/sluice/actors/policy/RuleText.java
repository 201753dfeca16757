// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.PolicyRule;
import io.sluice.config.model.PolicyRule.Entity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A rule's conditions in one line for people, in the words of its manifest. */
final class RuleText {
  private static final Map<Integer, String> PROTOCOLS =
      Map.of(1, "icmp", 6, "tcp", 17, "udp", 58, "icmpv6", 132, "sctp", 136, "udplite");

  private RuleText() {}

  static String of(PolicyRule rule) {
    List<String> words = new ArrayList<>();
    rule.ipVersion().ifPresent(version -> words.add(version.toString()));
    rule.protocol().ifPresent(protocol -> words.add(protocol(protocol)));
    rule.notProtocol().ifPresent(protocol -> words.add("not " + protocol(protocol)));
    rule.icmp().ifPresent(icmp -> words.add(icmp(icmp)));
    rule.notIcmp().ifPresent(icmp -> words.add("not " + icmp(icmp)));
    entity(words, "from", rule.source());
    entity(words, "to", rule.destination());
    return words.isEmpty() ? "all" : String.join(" ", words);
  }

  private static String protocol(int number) {
    return PROTOCOLS.getOrDefault(number, "protocol " + number);
  }

  private static String icmp(PolicyRule.Icmp icmp) {
    return "type "
        + icmp.type()
        + (icmp.code().isPresent() ? " code " + icmp.code().getAsInt() : "");
  }

  private static void entity(List<String> words, String preposition, Entity entity) {
    List<String> parts = new ArrayList<>();
    nets(parts, "", entity.nets());
    nets(parts, "not ", entity.notNets());
    entity.selector().ifPresent(selector -> parts.add("{" + selector.text() + "}"));
    entity.notSelector().ifPresent(selector -> parts.add("not {" + selector.text() + "}"));
    entity.namespaceSelector().ifPresent(s -> parts.add("namespaces {" + s.text() + "}"));
    entity
        .serviceAccounts()
        .ifPresent(
            accounts -> {
              String names = String.join(",", accounts.names());
              String selector = accounts.selector().map(s -> "{" + s.text() + "}").orElse("");
              parts.add(("service accounts " + (names + " " + selector).strip()).strip());
            });
    entity
        .service()
        .ifPresent(
            service ->
                parts.add(
                    "service "
                        + (service.namespace().isEmpty() ? "" : service.namespace() + "/")
                        + service.name()));
    ports(parts, "", entity.ports());
    ports(parts, "not ", entity.notPorts());
    if (!parts.isEmpty()) {
      words.add(preposition);
      words.addAll(parts);
    }
  }

  private static void nets(List<String> parts, String not, List<Cidr> nets) {
    if (!nets.isEmpty()) {
      String rest =
          nets.size() > RuleCompiler.IMMEDIATE_NETS ? " and " + (nets.size() - 1) + " more" : "";
      parts.add(
          not
              + (rest.isEmpty()
                  ? nets.stream().map(Cidr::toString).collect(Collectors.joining(","))
                  : nets.get(0) + rest));
    }
  }

  private static void ports(List<String> parts, String not, List<PolicyRule.RulePort> ports) {
    if (!ports.isEmpty()) {
      parts.add(
          not
              + "port "
              + ports.stream()
                  .map(
                      port ->
                          port instanceof PolicyRule.Named named
                              ? named.name()
                              : ((PolicyRule.Numbers) port).range().toString())
                  .collect(Collectors.joining(",")));
    }
  }
}
