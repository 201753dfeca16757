// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tls;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** TLS from PEM files. All methods throw {@link TlsException} for what is wrong with a file. */
public final class Tls {
  private static final char[] NO_PASSWORD = new char[0];

  private Tls() {}

  /**
   * For one who is asked.
   *
   * @param clientCa who vouches for clients, if they may show a certificate
   */
  public static SSLContext server(Path certificate, Path key, Optional<Path> clientCa) {
    return context(Optional.of(Identity.read(certificate, key)), clientCa.map(Pem::certificates));
  }

  /**
   * For one who asks.
   *
   * @param ca who vouches for servers
   */
  public static SSLContext client(Path ca) {
    return context(Optional.empty(), Optional.of(Pem.certificates(ca)));
  }

  /**
   * For one who asks a server whose certificate is at hand: believes that one alone, whatever name
   * it was asked by.
   */
  public static SSLContext pinned(Path certificate) {
    return context(
        null, new TrustManager[] {new Pinned(Optional.of(Pem.certificates(certificate).get(0)))});
  }

  /** For one who wants to know whether the other side speaks TLS at all; never for more. */
  public static SSLContext believingAnybody() {
    return context(null, new TrustManager[] {new Pinned(Optional.empty())});
  }

  /** For one who asks, and shows a certificate. */
  public static SSLContext client(Path ca, Path certificate, Path key) {
    return context(Optional.of(Identity.read(certificate, key)), Optional.of(Pem.certificates(ca)));
  }

  /**
   * Checks the files of nodes that talk to each other: a node that cannot be believed would only
   * learn of it by the silence of the others.
   */
  public static void checkMutual(Path certificate, Path key, Path ca) {
    Identity own = Identity.read(certificate, key);
    if (!own.key().getAlgorithm().equals("RSA")) {
      // Akka's engine with keys that may be renewed reads no others.
      throw new TlsException(
          key, "holds a key of kind %s: nodes take RSA".formatted(own.key().getAlgorithm()));
    }
    List<X509Certificate> issuers = Pem.certificates(ca);
    issuers.forEach(issuer -> Identity.checkTime(ca, issuer));
    X509Certificate last = own.chain().get(own.chain().size() - 1);
    boolean vouched =
        issuers.stream().anyMatch(issuer -> issuer.equals(last) || isIssuer(issuer, last));
    if (!vouched) {
      throw new TlsException(
          certificate,
          "is not signed by the CA in %s, but by %s"
              .formatted(ca, last.getIssuerX500Principal().getName()));
    }
  }

  private static boolean isIssuer(X509Certificate issuer, X509Certificate certificate) {
    try {
      certificate.verify(issuer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static SSLContext context(
      Optional<Identity> own, Optional<List<X509Certificate>> believed) {
    try {
      KeyManager[] keys = null;
      if (own.isPresent()) {
        KeyStore store = emptyStore();
        store.setKeyEntry(
            "own", own.get().key(), NO_PASSWORD, own.get().chain().toArray(Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, NO_PASSWORD);
        keys = factory.getKeyManagers();
      }
      TrustManager[] trust = null;
      if (believed.isPresent()) {
        KeyStore store = emptyStore();
        for (X509Certificate ca : believed.get()) {
          store.setCertificateEntry("ca-" + store.size(), ca);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        trust = factory.getTrustManagers();
      }
      return context(keys, trust);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static SSLContext context(KeyManager[] keys, TrustManager[] trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys, trust, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static KeyStore emptyStore() throws GeneralSecurityException {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, NO_PASSWORD);
      return store;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
