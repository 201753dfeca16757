// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import io.sluice.kernel.layout.Family;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;

/**
 * What one service ID stands for: one port of one Kubernetes service in one family.
 *
 * @param port the service's port
 * @param protocol as Kubernetes spells it: TCP, UDP, SCTP
 */
public record ServiceName(String namespace, String name, int port, String protocol, Family family)
    implements Comparable<ServiceName> {
  private static final Comparator<ServiceName> ORDER =
      Comparator.comparing(ServiceName::namespace)
          .thenComparing(ServiceName::name)
          .thenComparing(ServiceName::port)
          .thenComparing(ServiceName::protocol)
          .thenComparing(ServiceName::family);

  /** {@code namespace/name/port/PROTO/4|6}: the key of its promise. */
  public String text() {
    return namespace + "/" + name + "/" + port + "/" + protocol + "/" + family.number();
  }

  /**
   * The reverse of {@link #text}.
   *
   * @throws IllegalArgumentException if the text is none
   */
  public static ServiceName parse(String text) {
    String[] parts = text.split("/", -1);
    if (parts.length != 5 || !parts[4].matches("[46]") || !parts[2].matches("\\d{1,5}")) {
      throw new IllegalArgumentException("not the name of a service's port: " + text);
    }
    Family family = parts[4].equals("4") ? Family.IPV4 : Family.IPV6;
    return new ServiceName(parts[0], parts[1], Integer.parseInt(parts[2]), parts[3], family);
  }

  /** {@code service.owner}: by this the kernel's entry is known after a restart. */
  public long owner() {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      return ByteBuffer.wrap(sha.digest(text().getBytes(StandardCharsets.UTF_8))).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  @Override
  public int compareTo(ServiceName other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return text();
  }
}
