// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The cluster as one node sees it.
 *
 * @param decides whether the node says that its side may decide
 * @param reasons why it may not
 * @param members whom it knows; empty outside of a cluster
 */
public record ClusterView(boolean decides, List<String> reasons, List<Member> members) {
  /** Of a node that does not answer. */
  static final ClusterView NOTHING = new ClusterView(false, List.of(), List.of());

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One member.
   *
   * @param node the name of its Node resource
   * @param status as Akka names it: Joining, Up, Leaving, Exiting, Down
   * @param oldest whether singletons live there
   */
  public record Member(String node, String status, boolean reachable, boolean oldest) {}

  public ClusterView {
    reasons = List.copyOf(reasons);
    members = List.copyOf(members);
  }

  static ClusterView of(String status) {
    JsonNode json;
    try {
      json = JSON.readTree(status);
    } catch (JsonProcessingException e) {
      throw new AssertionError("the status is not JSON: " + status, e);
    }
    List<String> reasons = new ArrayList<>();
    json.path("cluster").path("reasons").forEach(reason -> reasons.add(reason.asText()));
    List<Member> members = new ArrayList<>();
    for (JsonNode member : json.path("members")) {
      members.add(
          new Member(
              member.path("node").asText(),
              member.path("status").asText(),
              member.path("reachable").asBoolean(),
              member.path("oldest").asBoolean()));
    }
    return new ClusterView(json.path("cluster").path("decides").asBoolean(), reasons, members);
  }

  /** The names of the Node resources of members that are up and that this node hears of. */
  public Set<String> up() {
    return names(member -> member.reachable() && member.status().equals("Up"));
  }

  /** Those that this node does not hear of. */
  public Set<String> unreachable() {
    return names(member -> !member.reachable());
  }

  private Set<String> names(Predicate<Member> wanted) {
    Set<String> names = new TreeSet<>();
    members.stream().filter(wanted).forEach(member -> names.add(member.node()));
    return names;
  }
}
