// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.Address;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.javadsl.Adapter;
import akka.cluster.Gossip;
import akka.cluster.GossipEnvelope;
import akka.cluster.Member;
import akka.cluster.Member$;
import akka.cluster.UniqueAddress;
import akka.serialization.SerializationExtension;
import akka.util.Version;
import com.typesafe.config.ConfigFactory;
import io.sluice.config.settings.ClusterKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import scala.collection.immutable.Set$;
import scala.collection.immutable.TreeSet;

/** What members tell each other fits into a frame, with a thousand of them, too. */
final class GossipSizeTest {
  private static final int LIMIT = 64 * 1024;

  private final ActorTestKit kit =
      ActorTestKit.create(
          ClusterConfig.SYSTEM, ClusterConfig.of(ClusterKeys.ALONE, "n", ConfigFactory.empty()));

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  /** A gossip that all have seen: the largest in a cluster at rest. */
  private int size(int members) {
    Random random = new Random(1);
    Gossip gossip = Gossip.apply(new TreeSet<>(Member$.MODULE$.ordering()));
    List<UniqueAddress> all = new ArrayList<>();
    for (int i = 1; i <= members; i++) {
      String host = "10.%d.%d.%d".formatted(i / 256, i % 256, random.nextInt(256));
      UniqueAddress address =
          new UniqueAddress(
              new Address("akka", ClusterConfig.SYSTEM, host, 25520), random.nextLong());
      scala.collection.immutable.Set<String> roles =
          Set$.MODULE$.<String>empty().$plus("node.worker-" + i).$plus("dc-default");
      Member member = Member$.MODULE$.apply(address, roles, new Version("0.1.0-SNAPSHOT"));
      gossip = gossip.$colon$plus(member.copyUp(i));
      all.add(address);
    }
    for (UniqueAddress address : all) {
      gossip = gossip.seen(address);
    }
    GossipEnvelope envelope = GossipEnvelope.apply(all.get(0), all.get(0), gossip);
    return SerializationExtension.get(Adapter.toClassic(kit.system()))
        .serialize(envelope)
        .get()
        .length;
  }

  @Test
  void aThousandMembersFitIntoASmallPartOfAFrame() {
    int three = size(3);
    int hundred = size(100);
    int thousand = size(1000);

    System.out.printf(
        "gossip: %d, %d, %d bytes of 3, 100, 1000 members%n", three, hundred, thousand);
    assertThat(thousand).isLessThan(LIMIT);
  }
}
