// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tls;

import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * A certificate with its chain, and the key that goes with it.
 *
 * @param chain the own certificate first
 */
record Identity(List<X509Certificate> chain, PrivateKey key) {
  Identity {
    chain = List.copyOf(chain);
  }

  /**
   * @throws TlsException if a file cannot be read, the two do not belong together, or the
   *     certificate is not of this time
   */
  static Identity read(Path certificate, Path key) {
    List<X509Certificate> chain = Pem.certificates(certificate);
    PrivateKey secret = Pem.key(key);
    if (!belong(chain.get(0).getPublicKey(), secret)) {
      throw new TlsException(key, "is not the key of the certificate in " + certificate);
    }
    checkTime(certificate, chain.get(0));
    return new Identity(chain, secret);
  }

  static void checkTime(Path file, X509Certificate certificate) {
    try {
      certificate.checkValidity();
    } catch (CertificateExpiredException e) {
      throw new TlsException(file, "has expired at " + certificate.getNotAfter().toInstant(), e);
    } catch (CertificateNotYetValidException e) {
      throw new TlsException(
          file, "is not valid before " + certificate.getNotBefore().toInstant(), e);
    }
  }

  /** Whether the one verifies what the other signs. */
  private static boolean belong(PublicKey open, PrivateKey secret) {
    String algorithm =
        switch (secret.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "EdDSA";
        };
    byte[] text = "sluice".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(secret);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(open);
      signature.update(text);
      return signature.verify(signed);
    } catch (InvalidKeyException | SignatureException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
