// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.tls;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Certificates and keys, made by openssl as a user would make them. */
public final class TestCertificates {
  private final Path folder;
  private int made;

  /** A certificate with its key, in PEM. */
  public record Pair(Path certificate, Path key) {}

  public TestCertificates(Path folder) {
    this.folder = folder;
  }

  /** A new CA. */
  public Pair ca(String name) {
    Pair pair = pair(name);
    openssl(
        List.of("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        List.of("-subj", "/CN=" + name, "-keyout", pair.key().toString()),
        List.of("-out", pair.certificate().toString()));
    return pair;
  }

  /** A certificate for the loopback addresses, with an RSA key. */
  public Pair signedBy(Pair ca, String name) {
    return signedBy(ca, name, List.of("rsa:2048"), 2);
  }

  /**
   * @param newKey what {@code openssl req -newkey} takes
   */
  public Pair signedBy(Pair ca, String name, List<String> newKey, int days) {
    Pair pair = pair(name);
    Path request = folder.resolve(name + ".csr");
    Path extensions = folder.resolve(name + ".ext");
    try {
      Files.writeString(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<String> key = new ArrayList<>(List.of("req", "-nodes", "-newkey"));
    key.addAll(newKey);
    openssl(
        key,
        List.of("-subj", "/CN=" + name, "-keyout", pair.key().toString()),
        List.of("-out", request.toString()));
    openssl(
        List.of("x509", "-req", "-days", Integer.toString(days), "-in", request.toString()),
        List.of("-CA", ca.certificate().toString(), "-CAkey", ca.key().toString()),
        List.of("-set_serial", Integer.toString(++made), "-extfile", extensions.toString()),
        List.of("-out", pair.certificate().toString()));
    return pair;
  }

  /** Writes the certificates of all of them into one file. */
  public void concatenate(Path file, Pair... pairs) {
    try {
      StringBuilder all = new StringBuilder();
      for (Pair pair : pairs) {
        all.append(Files.readString(pair.certificate()));
      }
      Files.writeString(file, all);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Pair pair(String name) {
    return new Pair(folder.resolve(name + ".crt"), folder.resolve(name + ".key"));
  }

  @SafeVarargs
  private static void openssl(List<String>... arguments) {
    List<String> command = new ArrayList<>(List.of("openssl"));
    for (List<String> some : arguments) {
      command.addAll(some);
    }
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException(command + ": " + said);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
