// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import akka.actor.typed.ActorRef;
import io.sluice.cluster.shared.Messages.Answer;
import io.sluice.cluster.shared.Messages.Follow;
import io.sluice.cluster.shared.Messages.NodeRuns;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The nodes that follow an entity, as they have told it. Known again within a second of a move. */
final class Followers {
  /** Ticks of silence, after which a node is forgotten. */
  private static final int SILENCE = 10;

  /** Ticks after which all nodes have been heard. */
  private static final int ROUND = 3;

  private record Known(Follow told, long tick) {}

  private final Map<String, Known> nodes = new TreeMap<>();
  private long now;

  void heard(Follow follow) {
    nodes.put(follow.node(), new Known(follow, now));
  }

  void left(String node) {
    nodes.remove(node);
  }

  void clear() {
    nodes.clear();
  }

  /** Time passes: forgets who fell silent. */
  void tick() {
    now++;
    nodes.values().removeIf(known -> now - known.tick() > SILENCE);
  }

  boolean isEmpty() {
    return nodes.isEmpty();
  }

  int count() {
    return nodes.size();
  }

  void forEach(Consumer<ActorRef<Answer>> action) {
    nodes.values().forEach(known -> action.accept(known.told().follower()));
  }

  /** Whether there was time for all nodes to say what they see. */
  boolean allHeard() {
    return now >= ROUND;
  }

  /** Whether any node's source says that. */
  boolean anySays(String valueDigest) {
    return nodes.values().stream()
        .anyMatch(known -> known.told().valueDigest().equals(valueDigest));
  }

  /** The highest version of the derivation that all of them can compute. */
  int version() {
    return nodes.values().stream()
        .mapToInt(known -> known.told().version())
        .min()
        .orElse(Integer.MAX_VALUE);
  }

  /** The highest generation that any of them has seen. */
  long highestGeneration() {
    return nodes.values().stream()
        .mapToLong(known -> Math.max(known.told().generation(), known.told().received()))
        .max()
        .orElse(0);
  }

  /** How many run something else. */
  int behind(Agreed agreed) {
    return (int) nodes.values().stream().filter(known -> !runs(known.told(), agreed)).count();
  }

  private static boolean runs(Follow told, Agreed agreed) {
    return told.generation() == agreed.generation() && told.digest().equals(agreed.digest());
  }

  List<NodeRuns> runs(String valueDigest) {
    List<NodeRuns> all = new ArrayList<>();
    nodes.forEach(
        (node, known) ->
            all.add(
                new NodeRuns(
                    node,
                    known.told().generation(),
                    known.told().digest(),
                    known.told().revision(),
                    known.told().valueDigest().equals(valueDigest))));
    return all;
  }

  /** Why nodes cannot agree: some see another value at the very revision that was agreed on. */
  String problem(long revision, String valueDigest) {
    String others =
        nodes.entrySet().stream()
            .filter(node -> node.getValue().told().revision() == revision)
            .filter(node -> !node.getValue().told().valueDigest().equals(valueDigest))
            .map(Map.Entry::getKey)
            .collect(Collectors.joining(", "));
    return others.isEmpty()
        ? ""
        : "at revision "
            + revision
            + " the sources of these nodes say something else than was agreed on: "
            + others;
  }
}
