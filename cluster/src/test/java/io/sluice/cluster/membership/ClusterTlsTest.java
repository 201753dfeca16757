// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.sluice.cluster.tls.TestCertificates;
import io.sluice.cluster.tls.TestCertificates.Pair;
import io.sluice.config.settings.ClusterKeys.Tls;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nodes that show each other certificates; one that cannot is told why, and changes nothing. */
@Timeout(120)
final class ClusterTlsTest {
  @TempDir static Path folder;
  private static TestCertificates certificates;
  private static Pair ca;
  private static Pair stranger;

  private final TestNodes nodes = new TestNodes("127.0.2");

  @BeforeAll
  static void make() {
    certificates = new TestCertificates(folder);
    ca = certificates.ca("ca");
    stranger = certificates.ca("stranger");
  }

  @AfterEach
  void stop() {
    nodes.close();
  }

  private static Optional<Tls> tls(Pair signer, String name) {
    Pair own = certificates.signedBy(signer, name);
    return Optional.of(new Tls(own.certificate(), own.key(), signer.certificate()));
  }

  private void start(int i, Optional<Tls> tls) {
    nodes.start("n" + i, nodes.bySeeds(i, tls), ConfigFactory.empty());
  }

  @Test
  void nodesOfOneCaFormACluster() {
    start(1, tls(ca, "n1"));
    start(2, tls(ca, "n2"));
    start(3, tls(ca, "n3"));

    nodes.awaitOneCluster("n1", "n2", "n3");
  }

  @Test
  @Tag("INV-CL-3")
  void aCertificateOfAnotherCaIsRefusedAndSaidToBe() {
    start(1, tls(ca, "n1"));
    start(2, tls(ca, "n2"));
    nodes.awaitOneCluster("n1", "n2");

    start(3, tls(stranger, "n3"));
    nodes.awaitReason(
        "n3",
        nodes.seeds(3).get(0) + " (its certificate is not signed by this node's cluster.tls.ca)",
        nodes.seeds(3).get(1) + " (its certificate is not signed by this node's cluster.tls.ca)");
    nodes.awaitOneCluster("n1", "n2");
  }

  /** It believes the others, but they do not believe it. */
  @Test
  @Tag("INV-CL-3")
  void aNodeThatTheOthersDoNotBelieveIsTold() {
    start(1, tls(ca, "n1"));
    start(2, tls(ca, "n2"));
    nodes.awaitOneCluster("n1", "n2");

    Pair own = certificates.signedBy(stranger, "n3");
    Path both = folder.resolve("both.crt");
    certificates.concatenate(both, stranger, ca);
    start(3, Optional.of(new Tls(own.certificate(), own.key(), both)));
    nodes.awaitReason(
        "n3", nodes.seeds(3).get(0) + " (it does not believe this node's certificate");
    nodes.awaitOneCluster("n1", "n2");
  }

  @Test
  @Tag("INV-CL-3")
  void aNodeWithoutTlsIsToldThatTheOthersHaveIt() {
    start(1, tls(ca, "n1"));
    start(2, tls(ca, "n2"));
    nodes.awaitOneCluster("n1", "n2");

    start(3, Optional.empty());
    nodes.awaitReason(
        "n3", nodes.seeds(3).get(0) + " (it speaks TLS, and this node has no cluster.tls)");
    nodes.awaitOneCluster("n1", "n2");
  }

  @Test
  @Tag("INV-CL-3")
  void aNodeWithTlsIsToldThatTheOthersHaveNone() {
    start(1, Optional.empty());
    start(2, Optional.empty());
    nodes.awaitOneCluster("n1", "n2");

    start(3, tls(ca, "n3"));
    nodes.awaitReason(
        "n3", nodes.seeds(3).get(0) + " (it does not speak TLS: it has no cluster.tls)");
    nodes.awaitOneCluster("n1", "n2");
  }

  @Test
  void filesThatDoNotFitEndTheStart() {
    Pair own = certificates.signedBy(ca, "n1");

    assertThatThrownBy(
            () ->
                start(
                    1, Optional.of(new Tls(own.certificate(), own.key(), stranger.certificate()))))
        .isInstanceOf(ClusterException.class)
        .hasMessage(
            "cluster.tls: %s: is not signed by the CA in %s, but by CN=ca"
                .formatted(own.certificate(), stranger.certificate()));
  }
}
