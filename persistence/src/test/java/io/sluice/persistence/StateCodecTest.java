// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.serialization.SerializationExtension;
import com.typesafe.config.ConfigFactory;
import io.sluice.persistence.Register.Payload;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Values of one version of the program, read by another. */
final class StateCodecTest {
  private static final ActorTestKit KIT =
      ActorTestKit.create(
          ConfigFactory.parseString(
              "akka.actor.serialization-bindings"
                  + " { \"io.sluice.persistence.CborSerializable\" = jackson-cbor }"));

  private final StateCodec codec = new StateCodec(SerializationExtension.get(KIT.system()));

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  /** The same class, as another version of the program has it. */
  private static Payload as(Class<?> type, Payload payload) {
    return new Payload(payload.serializer(), type.getName(), payload.bytes());
  }

  @Test
  void laterVersionGivesAddedFieldsTheirDefault() {
    Payload old = codec.encode("x", new StoredTable.Before("web", 7));
    assertThat(codec.decode("x", as(StoredTable.After.class, old)))
        .isEqualTo(new StoredTable.After("web", 7, Optional.empty(), List.of()));
  }

  @Test
  void earlierVersionIgnoresAddedFields() {
    Payload later =
        codec.encode("x", new StoredTable.After("web", 7, Optional.of("n"), List.of("t")));
    assertThat(codec.decode("x", as(StoredTable.Before.class, later)))
        .isEqualTo(new StoredTable.Before("web", 7));
  }

  @Test
  void classThatIsNotThereIsAnErrorThatNamesIt() {
    Payload old = codec.encode("x", new StoredTable.Before("web", 7));
    Payload foreign = new Payload(old.serializer(), "io.sluice.Later", old.bytes());
    assertThatThrownBy(() -> codec.decode("entity", foreign))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("entity: stored io.sluice.Later")
        .hasMessageContaining("cannot be read by this version");
  }
}
