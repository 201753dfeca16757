// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.policy.Icmp;
import io.sluice.kernel.policy.IpSet;
import io.sluice.kernel.policy.Match;
import io.sluice.kernel.policy.Place;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What a rule of a plan matches, in one line; sets are named by what they are sets of. */
record MatchText(Map<Long, IpSet> sets) {
  String of(Match match) {
    List<String> words = new ArrayList<>();
    match.family().ifPresent(family -> words.add("IPv" + family.number()));
    match.protocol().ifPresent(p -> words.add(FlowRow.protocol(p)));
    match.notProtocol().ifPresent(p -> words.add("not " + FlowRow.protocol(p)));
    match.icmp().ifPresent(icmp -> words.add(icmp(icmp)));
    match.notIcmp().ifPresent(icmp -> words.add("not " + icmp(icmp)));
    place(words, "from", match.source());
    place(words, "to", match.destination());
    return words.isEmpty() ? "all" : String.join(" ", words);
  }

  private static String icmp(Icmp icmp) {
    return "icmp type "
        + icmp.type()
        + (icmp.code().isPresent() ? " code " + icmp.code().getAsInt() : "");
  }

  private void place(List<String> words, String preposition, Place place) {
    List<String> parts = new ArrayList<>();
    list(parts, "", place.nets());
    list(parts, "not ", place.notNets());
    place.sets().forEach(id -> parts.add(set(id)));
    place.notSets().forEach(id -> parts.add("not " + set(id)));
    ports(parts, "", place.ports(), place.portSets());
    ports(parts, "not ", place.notPorts(), place.notPortSets());
    place.services().forEach(id -> parts.add(set(id)));
    if (!parts.isEmpty()) {
      words.add(preposition);
      words.addAll(parts);
    }
  }

  private static void list(List<String> parts, String not, List<?> values) {
    if (!values.isEmpty()) {
      parts.add(not + values.stream().map(Object::toString).collect(Collectors.joining(",")));
    }
  }

  private void ports(List<String> parts, String not, List<?> numbers, List<Long> named) {
    List<String> all = new ArrayList<>();
    numbers.forEach(ports -> all.add(ports.toString()));
    named.forEach(id -> all.add(set(id)));
    if (!all.isEmpty()) {
      parts.add(not + "port " + String.join(",", all));
    }
  }

  private String set(long id) {
    IpSet set = sets.get(id);
    return "{" + (set == null ? Long.toHexString(id) : set.definition()) + "}";
  }

  /** All sets that a match looks up. */
  static Set<Long> sets(Match match) {
    Set<Long> ids = new LinkedHashSet<>();
    for (Place place : List.of(match.source(), match.destination())) {
      ids.addAll(place.sets());
      ids.addAll(place.notSets());
      ids.addAll(place.portSets());
      ids.addAll(place.notPortSets());
      ids.addAll(place.services());
    }
    return ids;
  }
}
