// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tls;

import akka.pki.pem.DERPrivateKeyLoader;
import akka.pki.pem.PEMDecoder;
import akka.pki.pem.PEMLoadingException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.List;

/** Reads PEM files. */
final class Pem {
  private Pem() {}

  /**
   * All certificates of a file, in its order.
   *
   * @throws TlsException if there is none
   */
  static List<X509Certificate> certificates(Path file) {
    try {
      List<X509Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file)))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
      if (found.isEmpty()) {
        throw new TlsException(file, "holds no certificate in PEM");
      }
      return found;
    } catch (CertificateException e) {
      throw new TlsException(file, "holds no certificate in PEM", e);
    }
  }

  /**
   * The private key of a file: RSA, EC or Ed25519 in PKCS#8, or RSA in PKCS#1.
   *
   * @throws TlsException if there is none
   */
  static PrivateKey key(Path file) {
    try {
      PEMDecoder.DERData der = PEMDecoder.decode(new String(read(file), StandardCharsets.US_ASCII));
      if (!der.label().equals("PRIVATE KEY")) {
        return DERPrivateKeyLoader.load(der);
      }
      for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
        try {
          return KeyFactory.getInstance(algorithm)
              .generatePrivate(new PKCS8EncodedKeySpec(der.bytes()));
        } catch (GeneralSecurityException e) {
          // It is of another kind.
        }
      }
      throw new TlsException(file, "holds a key that is neither RSA, EC nor Ed25519");
    } catch (PEMLoadingException e) {
      throw new TlsException(
          file,
          "holds no private key that can be read: want PKCS#8 without a password"
              + " (openssl pkcs8 -topk8 -nocrypt)",
          e);
    }
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new TlsException(file, "there is no such file", e);
    } catch (IOException e) {
      throw new TlsException(file, "cannot be read: " + e.getMessage(), e);
    }
  }
}
