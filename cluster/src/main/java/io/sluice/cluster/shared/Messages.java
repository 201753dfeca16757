// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.shared;

import akka.actor.typed.ActorRef;
import io.sluice.persistence.CborSerializable;
import java.util.List;

/**
 * What followers and entities tell each other, over the network and between versions of the agent:
 * fields may be added, never renamed or retyped. All of it may be lost; all of it is said again.
 */
public final class Messages {
  private Messages() {}

  /** What an entity takes. */
  public sealed interface Command extends CborSerializable
      permits Follow, Fetch, GetView, SharedEntity.Internal {}

  /**
   * "This is who I am, what my source says, and what I have": once a second, and at once when
   * something changes.
   *
   * @param node the node's name
   * @param follower for the answers
   * @param wanted false: the node's source has it no more
   * @param revision of the node's source
   * @param valueDigest of what the source says
   * @param value what the source says; empty: as told before, or to be asked for
   * @param version the highest version of the derivation that the node can compute
   * @param received generation that the node has got; 0: none
   * @param generation generation that the node runs; 0: none
   * @param digest of what it runs
   */
  public record Follow(
      String node,
      ActorRef<Answer> follower,
      boolean wanted,
      long revision,
      String valueDigest,
      byte[] value,
      int version,
      long received,
      long generation,
      String digest)
      implements Command {}

  /**
   * Asks for what the derivation made, by those who cannot make it themselves.
   *
   * @param part the first is 0
   */
  public record Fetch(ActorRef<Answer> follower, long generation, int part) implements Command {}

  /** Asks who runs what. */
  public record GetView(ActorRef<View> replyTo) implements Command {}

  /**
   * Who runs what.
   *
   * @param revision the newest for which the value is known to be right
   * @param problem why nodes cannot agree; empty if they do
   */
  public record View(
      String id,
      long generation,
      long revision,
      int version,
      String digest,
      List<NodeRuns> nodes,
      String problem)
      implements CborSerializable {}

  /**
   * What one node runs.
   *
   * @param generation 0: none
   * @param revision of its source
   * @param agrees whether its source says what was agreed on
   */
  public record NodeRuns(
      String node, long generation, String digest, long revision, boolean agrees) {}

  /** What a follower takes of an entity. */
  public sealed interface Answer extends CborSerializable {
    /** The entity's. */
    String id();
  }

  /**
   * What is agreed on, for those who have another generation.
   *
   * @param former what is to be known of the values before ({@link Derivation#remember}); null from
   *     an agent that knows nothing of this
   */
  public record Current(
      String id, long generation, int version, byte[] value, String digest, byte[] former)
      implements Answer {
    public Current {
      former = former == null ? new byte[0] : former;
    }
  }

  /**
   * How it stands.
   *
   * @param nodes that follow
   * @param behind those of them that run something else
   * @param problem why nodes cannot agree; empty if they do
   */
  public record Standing(String id, long generation, int nodes, int behind, String problem)
      implements Answer {}

  /** The source's view is newer than what is agreed on: tell it. */
  public record SendValue(String id) implements Answer {}

  /** A source of that revision, and none newer, says that it is not wanted any more. */
  public record Gone(String id, long revision) implements Answer {}

  /** The node is not counted any more. */
  public record Left(String id) implements Answer {}

  /**
   * A part of what the derivation made, deflated.
   *
   * @param digest of the whole, inflated
   */
  public record Part(String id, long generation, int number, int of, byte[] content, String digest)
      implements Answer {}
}
