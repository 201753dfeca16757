// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.maglev;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.javadsl.Adapter;
import akka.serialization.Serialization;
import akka.serialization.SerializationExtension;
import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.shared.Agreed;
import io.sluice.cluster.shared.Digest;
import io.sluice.cluster.shared.Messages;
import io.sluice.cluster.shared.TestStates;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.IpFamily;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a change of a table costs on the wire and in the store: the figures of maglev.md. */
class BytesOnTheWireTest {
  private static final String ID = "default/web/80/TCP/4";

  private final ActorTestKit kit =
      ActorTestKit.create(TestStates.memory().withFallback(ConfigFactory.load()));
  private final Serialization serialization =
      SerializationExtension.get(Adapter.toClassic(kit.system()));

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private int bytes(Object message) {
    return serialization.serialize(message).get().length;
  }

  private static BackendSet set(IpFamily family, int count) {
    List<Backend> backends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long high = family == IpFamily.IPV4 ? 0 : 0xfd00_0244_0000_0000L;
      backends.add(new Backend(new IpAddress(family, high, 0x0af40000L + i), 8080, 1));
    }
    return BackendSet.of(family, backends);
  }

  @ParameterizedTest
  @CsvSource({
    "IPV4, 10, 160", "IPV4, 100, 520", "IPV4, 1000, 4120",
    "IPV6, 10, 280", "IPV6, 100, 1720", "IPV6, 1000, 16120"
  })
  void aChangeIsItsBackends(IpFamily family, int count, int most) {
    byte[] value = set(family, count).bytes();
    Messages.Current current =
        new Messages.Current(ID, 1234, 1, value, Digest.of(value), new byte[0]);
    assertThat(bytes(current)).isBetween(most - 40, most);
  }

  /** What 16 changes of a backend each cost: their sets deflate to little more than one. */
  @ParameterizedTest
  @CsvSource({"IPV4, 100, 600", "IPV4, 1000, 4300", "IPV6, 100, 1300", "IPV6, 1000, 6500"})
  void formerSetsCostLittle(IpFamily family, int count, int most) {
    FormerSets former = FormerSets.NONE;
    byte[] value = set(family, count).bytes();
    for (int i = 1; i <= 20; i++) {
      byte[] next = set(family, count - i).bytes();
      former = former.with(1, value, 1, next, Agreed.MAX_VALUE - next.length);
      value = next;
    }
    assertThat(former.size()).isEqualTo(count > 655 ? 8 : 16);
    assertThat(former.bytes().length).isLessThan(most);
  }

  @Test
  void aWordOfASecondIsShort() {
    Messages.Follow follow =
        new Messages.Follow(
            "node1.example",
            kit.<Messages.Answer>createTestProbe().ref(),
            true,
            1_764_000_000_000L,
            Digest.of(new byte[1]),
            new byte[0],
            1,
            1234,
            1234,
            Digest.of(new byte[2]));
    assertThat(bytes(follow)).isLessThan(350);
    assertThat(bytes(new Messages.Standing(ID, 1234, 1000, 0, ""))).isLessThan(100);
  }

  @Test
  void whatIsStoredStaysBelow48KiB() {
    byte[] value = set(IpFamily.IPV6, BackendSet.MAX_BACKENDS).bytes();
    byte[] former = new byte[Agreed.MAX_VALUE - value.length];
    Agreed largest = new Agreed(Long.MAX_VALUE, Long.MAX_VALUE, 1, value, Digest.of(value), former);
    assertThat(bytes(largest)).isLessThan(48 << 10);
  }
}
