// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tls;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cluster.tls.TestCertificates.Pair;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that cannot be used are told of before anything relies on them. */
final class TlsTest {
  @TempDir static Path folder;
  private static TestCertificates certificates;
  private static Pair ca;
  private static Pair node;

  @BeforeAll
  static void make() {
    certificates = new TestCertificates(folder);
    ca = certificates.ca("ca");
    node = certificates.signedBy(ca, "node");
  }

  private static void check(Path certificate, Path key, Path believed) {
    Tls.checkMutual(certificate, key, believed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rsa:2048", "ec -pkeyopt ec_paramgen_curve:prime256v1", "ed25519"})
  void keysOfTheUsualKindsAreRead(String kind) {
    Pair pair =
        certificates.signedBy(ca, "kind-" + kind.substring(0, 2), List.of(kind.split(" ")), 2);

    assertThatCode(() -> Tls.server(pair.certificate(), pair.key(), Optional.empty()))
        .doesNotThrowAnyException();
  }

  @Test
  void nodesTakeRsaAlone() {
    Pair pair =
        certificates.signedBy(
            ca, "ec", List.of("ec -pkeyopt ec_paramgen_curve:prime256v1".split(" ")), 2);

    assertThatThrownBy(() -> check(pair.certificate(), pair.key(), ca.certificate()))
        .hasMessage(pair.key() + ": holds a key of kind EC: nodes take RSA");
  }

  @Test
  void aForeignCaIsToldOf() {
    Pair other = certificates.ca("other");

    assertThatThrownBy(() -> check(node.certificate(), node.key(), other.certificate()))
        .hasMessage(
            "%s: is not signed by the CA in %s, but by CN=ca"
                .formatted(node.certificate(), other.certificate()));
  }

  @Test
  void aKeyOfAnotherCertificateIsToldOf() {
    Pair other = certificates.signedBy(ca, "another");

    assertThatThrownBy(() -> check(node.certificate(), other.key(), ca.certificate()))
        .hasMessage(
            "%s: is not the key of the certificate in %s"
                .formatted(other.key(), node.certificate()));
  }

  @Test
  void anExpiredCertificateIsToldOf() {
    Pair old = certificates.signedBy(ca, "old", List.of("rsa:2048"), -1);

    assertThatThrownBy(() -> check(old.certificate(), old.key(), ca.certificate()))
        .hasMessageStartingWith(old.certificate() + ": has expired at 2");
  }

  @Test
  void whatIsNoPemIsToldOf() throws Exception {
    Path text = Files.writeString(folder.resolve("text"), "no PEM");
    Path gone = folder.resolve("gone");

    assertThatThrownBy(() -> check(text, node.key(), ca.certificate()))
        .hasMessage(text + ": holds no certificate in PEM");
    assertThatThrownBy(() -> check(gone, node.key(), ca.certificate()))
        .hasMessage(gone + ": there is no such file");
    assertThatThrownBy(() -> check(node.certificate(), text, ca.certificate()))
        .hasMessageStartingWith(text + ": holds no private key that can be read: want PKCS#8");
  }
}
