// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.config.settings.AgentKeys.ManagementTls;
import io.sluice.config.settings.AgentKeys.SourceType;
import io.sluice.config.settings.ClusterKeys.Formation;
import io.sluice.config.settings.ClusterKeys.Seed;
import io.sluice.config.settings.ClusterKeys.Store;
import io.sluice.config.settings.ClusterKeys.StoreType;
import io.sluice.config.settings.ClusterKeys.Tls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the agent's file says of the cluster, and of who may ask over HTTP. */
final class ClusterKeysTest {
  @TempDir Path folder;

  private AgentKeys load(String keys) throws IOException, SettingsException {
    Path file = folder.resolve("agent.conf");
    Files.writeString(file, "sluice { node-name = n1, source.path = /m\n" + keys + "\n}");
    return AgentConfig.load(Optional.of(file), Map.of()).keys();
  }

  @Test
  void withoutAWordTheNodeIsAlone() throws Exception {
    ClusterKeys keys = load("").cluster();

    assertThat(keys).isEqualTo(ClusterKeys.ALONE);
    assertThat(keys.alone()).isTrue();
    assertThat(keys.quorum()).isOne();
  }

  @Test
  void seedsGiveTheQuorum() throws Exception {
    ClusterKeys keys =
        load("cluster { host = 10.0.0.1, seeds = [\"10.0.0.1\", \"10.0.0.2:7\", \"[fd00::3]:8\"] }")
            .cluster();

    assertThat(keys.seeds())
        .containsExactly(
            new Seed("10.0.0.1", 25520), new Seed("10.0.0.2", 7), new Seed("fd00::3", 8));
    assertThat(keys.seeds()).hasToString("[10.0.0.1:25520, 10.0.0.2:7, [fd00::3]:8]");
    assertThat(keys.quorum()).isEqualTo(2);
    assertThat(keys.alone()).isFalse();
  }

  @Test
  void aNodeIsAloneOnlyIfNobodyElseIsASeed() throws Exception {
    assertThat(load("cluster { host = 10.0.0.1, seeds = [10.0.0.1] }").cluster().alone()).isTrue();
    assertThat(load("cluster { host = 10.0.0.1, seeds = [10.0.0.2] }").cluster().alone()).isFalse();
  }

  @Test
  void everythingCanBeSaid() throws Exception {
    AgentKeys keys =
        load(
            """
            cluster {
              host = 10.0.0.1, port = 99, formation = dns, service-name = agents.example, quorum = 3
              tls { certificate = /c, key = /k, ca = /a }
              store { type = postgresql, url = "jdbc:postgresql://db/sluice", password-file = /p }
            }
            management {
              host = 0.0.0.0, token-file = /t
              tls { certificate = /mc, key = /mk, client-ca = /ma }
            }
            """);

    assertThat(keys.cluster())
        .isEqualTo(
            new ClusterKeys(
                "10.0.0.1",
                99,
                List.of(),
                Formation.DNS,
                "agents.example",
                3,
                Optional.of(new Tls(Path.of("/c"), Path.of("/k"), Path.of("/a"))),
                new Store(
                    StoreType.POSTGRESQL,
                    "jdbc:postgresql://db/sluice",
                    "sluice",
                    Optional.of(Path.of("/p")))));
    assertThat(keys.management().tls())
        .contains(new ManagementTls(Path.of("/mc"), Path.of("/mk"), Optional.of(Path.of("/ma"))));
    assertThat(keys.management().tokenFile()).contains(Path.of("/t"));
  }

  @Test
  void resourcesMayComeFromTheCluster() throws Exception {
    Path file = folder.resolve("agent.conf");
    Files.writeString(file, "sluice { node-name = n1, source.type = Cluster }");

    assertThat(AgentConfig.load(Optional.of(file), Map.of()).keys().sourceType())
        .isEqualTo(SourceType.CLUSTER);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cluster { port = 1 } | cluster.host: is missing, name this node's address for other nodes",
        "cluster { host = a, seeds = [\"b c\"] } | cluster.seeds: \"b c\" is not HOST:PORT",
        "cluster { host = a, seeds = [b, \"b:25520\"] } | cluster.seeds: \"b:25520\" is given twice",
        "cluster { host = a, port = 0, seeds = [b] } | cluster.port: must not be 0 where there are"
            + " seeds: other nodes look for it",
        "cluster { host = a, seeds = [a, b, c], quorum = 1 } | cluster.quorum: 1 is less than a"
            + " majority of the seeds: two halves could decide",
        "cluster { host = a, seeds = [a, b], quorum = 3 } | cluster.quorum: 3 is more than there are"
            + " seeds",
        "cluster { host = a, formation = dns } | cluster.quorum: is missing, write more than half of"
            + " the number of nodes",
        "cluster { host = a, formation = dns, quorum = 2, seeds = [b] } | cluster.seeds: are of the formation"
            + " seeds alone, remove them",
        "cluster { host = a, tls { key = /k, ca = /c } } | cluster.tls.certificate: is missing",
        "cluster { host = a, store.type = postgresql } | cluster.store.url: is missing, write"
            + " jdbc:postgresql://HOST:PORT/DATABASE",
        "cluster { host = a, store.user = u } | cluster.store.user: is of the store postgresql"
            + " alone, remove it",
        "cluster { host = a, sedes = [b] } | cluster.sedes: is not a setting, did you mean"
            + " cluster.seeds?",
        "management.host = 0.0.0.0 | management.host: \"0.0.0.0\" is open to other hosts: give"
            + " management.tls.certificate and .key, and management.token-file or"
            + " management.tls.client-ca, or listen on 127.0.0.1",
        "management.tls.client-ca = /c | management.tls.client-ca: needs management.tls.certificate"
            + " and .key beside it",
        "source.type = cluster | source.path: is of the source file alone, remove it",
      })
  void refusesWithOneLine(String keys, String message) {
    SettingsException refused = catchThrowableOfType(SettingsException.class, () -> load(keys));

    assertThat(refused.getMessage()).endsWith(message).doesNotContain("\n");
  }
}
